/** The OpenAPI document, generated from the routes, and Swagger UI over it from local files. */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import type { Config } from '../../config/config.ts'
import { openApiInfo, tidyDocument, toYaml } from './document.ts'
import { problemsOnly, RATE_LIMIT_HEADERS } from '../schemas/problem.ts'
import { securityHeaders } from '../headers.ts'
import { VERSION } from '../../config/version.ts'

/** Everything from here, as a page needs it; nothing from anywhere else. */
const DOCS_HEADERS = securityHeaders({
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  // Swagger UI sets style attributes; scripts stay strict.
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
})

/** Registers the generator (before any route), the document's routes and, unless `DOCS=false`, Swagger UI. */
export async function registerDocs(
  app: FastifyInstance,
  config: Pick<Config, 'basePath' | 'publicUrl' | 'docs'>,
): Promise<void> {
  await app.register(swagger, {
    openapi: openApiInfo(VERSION, config.publicUrl ?? (config.basePath || '/')),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (json.$id as string | undefined) ?? `def-${i}`,
    },
    transformObject: input =>
      ('openapiObject' in input ? tidyDocument(input.openapiObject) : input.swaggerObject) as never,
  })

  const access = { access: 'public' } as const
  const documentSchema = (format: string, mediaType: string): FastifySchema => ({
    operationId: `getOpenApi${format}`,
    tags: ['Document'],
    security: [],
    summary: `This document, as ${format.toUpperCase()}`,
    description: 'The OpenAPI 3.1 description of the gateway.',
    response: {
      200: {
        description: 'The document.',
        headers: RATE_LIMIT_HEADERS,
        content: {
          [mediaType]: {
            schema:
              mediaType === 'application/json'
                ? { type: 'object', additionalProperties: true }
                : { type: 'string', pattern: '^openapi: ', maxLength: 1_000_000 },
          },
        },
      },
      ...problemsOnly('malformed-request', 'rate-limited', 'internal'),
    },
  })
  let json: string | undefined
  let yaml: string | undefined
  app.get(
    '/openapi.json',
    { config: access, schema: documentSchema('Json', 'application/json') },
    (_request, reply) => {
      json ??= JSON.stringify(app.swagger())
      return reply.type('application/json').serializer(String).send(json)
    },
  )
  app.get(
    '/openapi.yaml',
    { config: access, schema: documentSchema('Yaml', 'application/yaml') },
    async (_request, reply) => {
      yaml ??= await toYaml(app.swagger())
      return reply.type('application/yaml').serializer(String).send(yaml)
    },
  )

  if (!config.docs) return
  await app.register(async docs => {
    docs.addHook('onRoute', route => {
      route.config = Object.assign({ securityHeaders: DOCS_HEADERS }, route.config, access)
    })
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      // Where the browser finds the files of the page; without it they are looked for past the prefix.
      indexPrefix: config.basePath,
      staticCSP: false,
      uiConfig: {
        layout: 'BaseLayout',
        deepLinking: true,
        displayRequestDuration: true,
        persistAuthorization: false,
        tryItOutEnabled: true,
        validatorUrl: null,
      },
      theme: { title: 'HOSTKEY VM gateway' },
    })
  })
}
