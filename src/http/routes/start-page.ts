/** `/`: what this is, how it is, and where to go from here. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'
import { VERSION } from '../../config/version.ts'
import { escapeHtml, htmlPage, PAGE_HEADERS } from './page.ts'
import type { RouteParts } from './parts.ts'

export const startPageRoute: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  const { config, operations, draining } = parts

  /** Null when it is ready, else why it is not. */
  async function whyNotReady(): Promise<string | null> {
    if (draining.aborted) return 'it is shutting down'
    return operations.ping().then(
      () => null,
      () => 'its store cannot be reached',
    )
  }

  app.route({
    method: 'GET',
    url: '/',
    config: { access: 'public', securityHeaders: PAGE_HEADERS },
    schema: {
      operationId: 'getStartPage',
      tags: ['Document'],
      security: [],
      summary: 'The start page',
      description:
        'A page for people: whether the gateway is ready, its version, and links to everything that needs no key. Probes ask `/readyz`.',
      response: {
        200: {
          description: 'The page.',
          content: {
            'text/html': { schema: { type: 'string', pattern: '^<!doctype html>', maxLength: 100_000 } },
          },
        },
        ...problemsOnly(...PUBLIC_PROBLEMS, 'rate-limited'),
      },
    },
    handler: async (_request, reply) =>
      reply.type('text/html; charset=utf-8').send(pageOf(await whyNotReady(), config)),
  })
}

function pageOf(whyNot: string | null, { basePath, docs }: RouteParts['config']): string {
  // The prefix may be asked for without a slash at its end, from where relative links would lead past it.
  const root = basePath === '' ? '' : `${escapeHtml(basePath)}/`
  const links: [string, string][] = [
    ...(docs ? ([['docs', 'Try the API in Swagger UI']] satisfies [string, string][]) : []),
    ['openapi.yaml', 'The API as OpenAPI 3.1'],
    ['openapi.json', 'The same as JSON'],
    ['problems', 'What each problem code means'],
    ['readyz', 'Can it take requests'],
    ['livez', 'Is it alive'],
    ['metrics', 'Metrics for Prometheus'],
  ]
  return htmlPage(
    'HOSTKEY VM gateway',
    `<main>
<h1>HOSTKEY VM gateway</h1>
<p class="state${whyNot === null ? ' ready' : ''}" role="status"><strong>${whyNot === null ? 'Ready' : 'Not ready'}</strong>${whyNot === null ? '' : `: ${whyNot}`} · version ${escapeHtml(VERSION)}</p>
<dl>
${links.map(([path, what]) => `<dt><a href="${root}${path}">/${path}</a></dt><dd>${what}</dd>`).join('\n')}
</dl>
</main>`,
  )
}
