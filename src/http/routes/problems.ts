/** `/problems/{code}`: where the `type` of every problem leads, a page for people (or the same as JSON). */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { varyBy } from '../headers.ts'
import { ApiProblem, PROBLEMS, type ProblemCode } from '../problem.ts'
import { exampleOf, WORDS } from '../problem-words.ts'
import { ref } from '../schemas/common.ts'
import { Problem, problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'
import { escapeHtml, htmlPage, PAGE_HEADERS } from './page.ts'
import type { RouteParts } from './parts.ts'

const Explanation = Type.Object(
  {
    code: Type.String({ pattern: '^[a-z-]+$', maxLength: 100, description: 'The code.' }),
    status: Type.Integer({
      minimum: 400,
      maximum: 599,
      format: 'int32',
      description: 'The HTTP status that belongs to the code.',
    }),
    title: Type.String({ maxLength: 200, description: 'The code in words.' }),
    meaning: Type.String({ maxLength: 1000, description: 'What happened.' }),
    what_to_do: Type.String({ maxLength: 1000, description: 'What helps.' }),
    example: ref(Problem),
  },
  { $id: 'ProblemExplanation', description: 'What a problem code means.' },
)

const MAX_AGE_S = 3_600

export const problemRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, { config }) => {
  app.addSchema(Explanation)
  app.route({
    method: 'GET',
    url: '/problems/:code',
    config: { access: 'public', securityHeaders: PAGE_HEADERS },
    schema: {
      operationId: 'getProblem',
      tags: ['Document'],
      security: [],
      summary: 'What a problem code means',
      description:
        'Where the `type` of every problem leads: what happened, what to do, and an example. A page for people, or JSON for those who would rather `Accept` that.',
      params: Type.Object({
        code: Type.String({
          minLength: 1,
          maxLength: 100,
          description: 'The code of a problem.',
          examples: ['vm-busy'],
        }),
      }),
      response: {
        200: {
          description: 'The explanation.',
          content: {
            'text/html': { schema: { type: 'string', pattern: '^<!doctype html>', maxLength: 100_000 } },
            'application/json': { schema: ref(Explanation) },
          },
        },
        ...problemsOnly(...PUBLIC_PROBLEMS, 'route-not-found', 'rate-limited'),
      },
    },
    handler: async (request, reply) => {
      const { code } = request.params
      if (!isCode(code)) throw new ApiProblem('route-not-found', `There is no problem code "${code}".`)
      const explanation = explain(code, config.basePath)
      const json = prefersJson(request.headers.accept)
      varyBy(reply, 'Accept')
      void reply
        .header('cache-control', `public, max-age=${MAX_AGE_S}`)
        .type(json ? 'application/json' : 'text/html; charset=utf-8')
      return json ? explanation : pageOf(explanation, config.docs)
    },
  })
}

function isCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text)
}

function explain(code: ProblemCode, basePath: string): Static<typeof Explanation> {
  const { meaning, whatToDo } = WORDS[code]
  return { code, ...PROBLEMS[code], meaning, what_to_do: whatToDo, example: exampleOf(code, basePath) }
}

/** Whether an `Accept` header would rather have JSON: whoever does not care gets the page. */
export function prefersJson(accept = '*/*'): boolean {
  const ranges = accept.split(',').map(range => {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const q = parameters.find(one => one.startsWith('q='))?.slice(2)
    return { type, q: q === undefined ? 1 : Number(q) }
  })
  // The most specific range counts (RFC 9110, section 12.5.1).
  const qualityOf = (...wanted: string[]): number =>
    wanted.map(one => ranges.find(({ type }) => type === one)?.q).find(q => q !== undefined) ?? 0
  return qualityOf('application/json', 'application/*', '*/*') > qualityOf('text/html', 'text/*', '*/*')
}

/** Links are relative: they hold behind any prefix. */
function pageOf(
  { code, status, title, meaning, what_to_do: whatToDo, example }: Static<typeof Explanation>,
  docs: boolean,
): string {
  const others = Object.keys(PROBLEMS).map(
    one => `<li><a href="${one}"${one === code ? ' aria-current="page"' : ''}>${one}</a></li>`,
  )
  return htmlPage(
    `${code}: ${title}`,
    `<main>
<p><code>${escapeHtml(code)}</code> · HTTP ${status}</p>
<h1>${escapeHtml(title)}</h1>
<h2>What it means</h2>
<p>${prose(meaning)}</p>
<h2>What to do</h2>
<p>${prose(whatToDo)}</p>
<h2>An example</h2>
<pre>${escapeHtml(JSON.stringify(example, null, 2))}</pre>
</main>
<nav aria-label="More">
<h2>All codes</h2>
<ul>
${others.join('\n')}
</ul>
<p>${docs ? '<a href="../docs">The API</a>' : '<a href="../openapi.yaml">The API as OpenAPI</a>'}</p>
</nav>`,
  )
}

/** Text with `code` in backticks. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}
