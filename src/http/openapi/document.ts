/** The parts of the OpenAPI document that do not come from the routes, and what the generator leaves for us to correct. */

import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { PROBLEM_EXAMPLES } from '../schemas/problem.ts'
import { WEBHOOKS } from './webhooks.ts'
import { HEADERS, headersOf, type RouteTraits } from './headers.ts'

type OpenApiDocument = NonNullable<FastifyDynamicSwaggerOptions['openapi']>

/** Returns the frame of the document, which the routes fill. */
export function openApiInfo(version: string, serverUrl: string): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'HOSTKEY VM gateway',
      version,
      description: [
        'Snapshots and stats of HOSTKEY virtual machines as REST resources.',
        '',
        'Whatever takes time is an **operation**: a change answers `202` with one, and so does a read that HOSTKEY is too slow for.',
        'An operation is on disk before you hear of it, can be read as often as you like, and a change is never sent to HOSTKEY twice.',
        'Send `Prefer: wait=10` to wait for the end, or follow `Location` after `Retry-After` seconds.',
        '',
        'Errors are problems (RFC 9457); decide on their `code`.',
      ].join('\n'),
      license: { name: 'MIT', identifier: 'MIT' },
      contact: { name: 'The operator of this gateway', url: 'https://hostkey.com/documentation/' },
    },
    servers: [{ url: serverUrl, description: 'This gateway.' }],
    tags: [
      { name: 'Snapshots', description: 'Take, see, restore and delete the snapshots of a VM.' },
      { name: 'Stats', description: 'The load of a VM.' },
      {
        name: 'Operations',
        description: 'What takes time: follow it, and read its result as often as you like.',
      },
      { name: 'Health', description: 'For probes.' },
      { name: 'Document', description: 'This description.' },
    ],
    security: [],
    webhooks: WEBHOOKS,
    components: {
      examples: PROBLEM_EXAMPLES,
      headers: HEADERS,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            "The caller's key: `Authorization: Bearer <key>`. Where the operator has set it up, a signed token (JWT) with `sub`, `scope` and `vms` is taken in its place.",
        },
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-API-Key',
          description: "The caller's key, for clients that cannot send `Authorization`.",
        },
      },
    },
  }
}

/** What the route of an operation declares, as far as the generator does not read it. */
export interface RouteFacts {
  bodyMayBeLeftOut: boolean
  bucket: RouteTraits['bucket']
  isPage: boolean
}

interface Parameter {
  name: string
  description?: string
  required?: boolean
  example?: unknown
  schema?: { $ref?: string }
}

interface DescribedOperation {
  operationId?: string
  requestBody?: { required?: boolean }
  parameters?: Parameter[]
  responses: Record<string, { headers?: object }>
}

interface DescribedDocument {
  paths?: Record<string, Record<string, DescribedOperation>>
  components?: { schemas?: Record<string, { description?: string }> }
}

/**
 * Completes what the generator made, in place. It marks every body as required, also those that may be left out. It shows
 * examples of optional parameters, which Swagger UI would then send: filters that nobody asked for. It gives no description
 * to a parameter whose schema is a component. And it does not know of the headers that every answer has.
 */
export function tidyDocument<T>(document: T, facts: ReadonlyMap<string | undefined, RouteFacts>): T {
  const { paths = {}, components } = document as DescribedDocument
  for (const operation of Object.values(paths).flatMap(path => Object.values(path))) {
    const { operationId, requestBody, parameters = [], responses } = operation
    const route = facts.get(operationId)!
    if (requestBody && route.bodyMayBeLeftOut) requestBody.required = false
    for (const parameter of parameters) {
      if (!parameter.required) delete parameter.example
      const component = parameter.schema?.$ref?.split('/').at(-1)
      if (component) parameter.description ??= components?.schemas?.[component]?.description ?? ''
    }
    const traits = { ...route, prefers: parameters.some(({ name }) => name === 'Prefer') }
    for (const [status, response] of Object.entries(responses))
      response.headers = { ...response.headers, ...headersOf(traits, Number(status)) }
  }
  return document
}

/** Writes the document as YAML, without anchors: the API gateways that import it seldom know them. */
export async function toYaml(document: unknown): Promise<string> {
  // The library is loaded here, because a start does not need it.
  const { stringify } = await import('yaml')
  return stringify(document, { aliasDuplicateObjects: false, lineWidth: 120 })
}
