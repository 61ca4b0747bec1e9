/** The OpenAPI document, generated from the routes. */

import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import type { Config } from '../../config/config.ts'
import { VERSION } from '../../config/version.ts'
import { ETAG_HEADER, etagOf, notModified, sendTagged } from '../etag.ts'
import { TagHeaders } from '../schemas/common.ts'
import { problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'
import { openApiInfo, tidyDocument, toYaml, type RouteFacts } from './document.ts'
import { registerSwaggerUi } from './swagger-ui.ts'

const PUBLIC = { access: 'public' } as const

/** Registers the generator (before any route), the document's routes and, unless `DOCS=false`, Swagger UI. */
export async function registerDocs(
  app: FastifyInstance,
  config: Pick<Config, 'basePath' | 'publicUrl' | 'docs'>,
): Promise<void> {
  await registerGenerator(app, config.publicUrl ?? (config.basePath || '/'))
  serveDocument(app)
  if (config.docs) await app.register(docs => registerSwaggerUi(docs, config.basePath))
}

/** Describes every route that is registered from now on; `app.swagger()` returns the document. */
async function registerGenerator(app: FastifyInstance, serverUrl: string): Promise<void> {
  const facts = new Map<string | undefined, RouteFacts>()
  app.addHook('onRoute', ({ config, schema }) => {
    if (!schema?.operationId) return
    facts.set(schema.operationId, {
      bodyMayBeLeftOut: config?.emptyBody ?? false,
      bucket: config?.bucket ?? 'default',
      isPage: config?.securityHeaders !== undefined,
    })
  })
  await app.register(swagger, {
    openapi: openApiInfo(VERSION, serverUrl),
    // Without this, the components would be called `def-0`, `def-1` and so on.
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (json.$id as string | undefined) ?? `def-${i}`,
    },
    transformObject: input =>
      ('openapiObject' in input ? tidyDocument(input.openapiObject, facts) : input.swaggerObject) as never,
  })
}

/** Serves the document as JSON and as YAML. Each is written out once, when it is first asked for. */
function serveDocument(app: FastifyInstance): void {
  const tagged = (text: string): { text: string; etag: string } => ({ text, etag: etagOf(text) })
  let json: ReturnType<typeof tagged> | undefined
  let yaml: ReturnType<typeof tagged> | undefined
  app.get(
    '/openapi.json',
    { config: PUBLIC, schema: documentSchema('Json', 'application/json') },
    (request, reply) => {
      json ??= tagged(JSON.stringify(app.swagger()))
      return sendTagged(request, reply, json.text, {
        ...json,
        mediaType: 'application/json',
        scope: 'public',
      })
    },
  )
  app.get(
    '/openapi.yaml',
    { config: PUBLIC, schema: documentSchema('Yaml', 'application/yaml') },
    async (request, reply) => {
      yaml ??= tagged(await toYaml(app.swagger()))
      return sendTagged(request, reply, yaml.text, {
        ...yaml,
        mediaType: 'application/yaml',
        scope: 'public',
      })
    },
  )
}

function documentSchema(format: 'Json' | 'Yaml', mediaType: string): FastifySchema {
  const schema =
    format === 'Json'
      ? { type: 'object', additionalProperties: true }
      : { type: 'string', pattern: '^openapi: ', maxLength: 1_000_000 }
  return {
    operationId: `getOpenApi${format}`,
    tags: ['Document'],
    security: [],
    summary: `This document, as ${format.toUpperCase()}`,
    description: 'The OpenAPI 3.1 description of the gateway.',
    headers: TagHeaders,
    response: {
      200: {
        description: 'The document.',
        headers: ETAG_HEADER,
        content: { [mediaType]: { schema } },
      },
      304: notModified(),
      ...problemsOnly(...PUBLIC_PROBLEMS, 'rate-limited'),
    },
  }
}
