/** What the gateway itself sends, for the `webhooks` of the document (OpenAPI 3.1). */

import { END_EXAMPLE } from '../schemas/message.ts'

const header = (name: string, description: string, schema: object) => ({
  in: 'header' as const,
  name,
  required: true,
  description,
  schema: { type: 'string' as const, ...schema },
})

export const WEBHOOKS = {
  operationEnded: {
    post: {
      operationId: 'operationEnded',
      tags: ['Operations'],
      summary: 'An operation has ended',
      description: [
        'Sent to the receiver that the operator has given the caller who started the operation, when it has ended. No request names a receiver.',
        'It is signed as [Standard Webhooks](https://www.standardwebhooks.com) has it: verify the signature over the bytes that came, before anything is read of them.',
        'It comes at least once, in no order that is promised, until a 2xx answers it: at once, then after pauses that grow from 5 seconds to an hour, for a day. 410 stops it.',
        'Whoever asks for the operation by `self` when the message is there sees that it has ended.',
      ].join('\n\n'),
      security: [],
      parameters: [
        header('webhook-id', 'Of the message; the same each time that it is sent.', {
          pattern: '^msg_[0-9a-z]{26}$',
          maxLength: 30,
        }),
        header('webhook-timestamp', 'When it was sent, in seconds since 1970.', {
          pattern: '^[0-9]+$',
          maxLength: 20,
        }),
        header(
          'webhook-signature',
          'One signature, or two with a space between them while secrets are rotated.',
          { pattern: '^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)?$', maxLength: 200 },
        ),
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/OperationEnded' },
            example: END_EXAMPLE,
          },
        },
      },
      responses: {
        '2XX': { description: 'The receiver has it, and it is not sent again.' },
        default: {
          description:
            '410: the receiver wants this message no more. Anything else, and no answer within 10 seconds: it is sent again.',
        },
      },
    },
  },
}
