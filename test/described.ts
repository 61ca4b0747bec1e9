/** Answers judged by the OpenAPI document: status, media type, body and headers. */

import type { Described, Header, readDocument } from './fuzz/generate.ts'

export interface JudgedAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Those of the connection, and the older family, which stands beside the one of the document (contract §2). */
const OF_THE_CONNECTION = new Set(
  'connection|keep-alive|date|content-length|content-type|transfer-encoding|ratelimit-limit|ratelimit-remaining|ratelimit-reset'.split(
    '|',
  ),
)

type Read = ReturnType<typeof readDocument>

export function mediaTypeOf({ headers }: Pick<JudgedAnswer, 'headers'>): string {
  return String(headers['content-type'] ?? '').split(';')[0]!
}

/** The body as a validator takes it: JSON as what it says, anything else as text. */
export function bodyOf(answer: Pick<JudgedAnswer, 'headers' | 'text'>): unknown {
  if (!mediaTypeOf(answer).endsWith('json')) return answer.text
  try {
    return JSON.parse(answer.text) as unknown
  } catch {
    return undefined
  }
}

/** The events of a stream (WHATWG HTML, section 9.2), with their data as the JSON that it is; what has no data is none. */
function eventsIn(stream: string): unknown[] {
  return stream
    .split('\n\n')
    .map(block =>
      Object.fromEntries(block.split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string])),
    )
    .filter(({ data }) => data !== undefined)
    .map(({ data, ...event }) => ({ ...event, data: JSON.parse(data!) as unknown }))
}

/** Finds what is wrong with the headers of an answer that the document describes. */
function headerViolations(
  sent: JudgedAnswer['headers'],
  described: Record<string, Header>,
  { isValid, headerSchema }: Read,
): string[] {
  const known = new Map(Object.entries(described).map(([name, header]) => [name.toLowerCase(), header]))
  return Object.entries(sent).flatMap(([name, value]) => {
    if (value === undefined || OF_THE_CONNECTION.has(name)) return []
    const header = known.get(name)
    if (!header) return [`header ${name} not in the document`]
    const schema = headerSchema(header)
    const read = schema.type === 'integer' ? Number(value) : String(value)
    return isValid(schema, read) ? [] : [`header ${name} not of its schema: ${String(value)}`]
  })
}

/** Finds what the document does not say of an answer of this operation. */
export function answerViolations(
  read: Read,
  { responses }: Pick<Described, 'responses'>,
  method: string,
  answer: JudgedAnswer,
): string[] {
  const { status, headers, text } = answer
  const response = responses[status]
  const mediaType = mediaTypeOf(answer)
  const content = response?.content?.[mediaType]
  const isEmpty = response !== undefined && !response.content && mediaType === '' && text === ''
  if (!response || (!content && !isEmpty)) return ['not in the document']
  const found = headerViolations(headers, response.headers, read)
  if (method === 'HEAD' || !content) return found
  const body = bodyOf(answer)
  if (!read.isValid(content.schema, body)) found.push(`not of its schema: ${text.slice(0, 300)}`)
  const { contentSchema } = content.schema
  if (contentSchema && !read.isValid(contentSchema, eventsIn(text)))
    found.push(`events not of their schema: ${text.slice(0, 300)}`)
  const { code } = (body ?? {}) as { code?: string }
  if (status >= 400 && content.examples && !(String(code) in content.examples))
    found.push(`code ${String(code)} not in the document`)
  return found
}
