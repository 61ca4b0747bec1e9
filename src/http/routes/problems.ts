/** `/problems`: all problem codes, and below it one each, where its `type` leads. Pages for people, or the same as JSON. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { varyBy } from '../headers.ts'
import { ApiProblem, PROBLEMS, type ProblemCode } from '../problem.ts'
import { exampleOf, WORDS } from '../problem-words.ts'
import { ref } from '../schemas/common.ts'
import { Problem, problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'
import { escapeHtml, htmlPage, PAGE_HEADERS } from './page.ts'
import type { RouteApp, RouteParts } from './parts.ts'

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

const ExplanationList = Type.Object(
  {
    problems: Type.Array(ref(Explanation), { maxItems: 1000, description: 'In the order of their status.' }),
  },
  { $id: 'ProblemExplanationList', description: 'All problem codes.' },
)

const MAX_AGE_S = 3_600
const PAGE_SCHEMA = { type: 'string', pattern: '^<!doctype html>', maxLength: 100_000 }
const PUBLIC_PAGE = { access: 'public', securityHeaders: PAGE_HEADERS } as const

export const problemRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  app.addSchema(Explanation)
  app.addSchema(ExplanationList)
  listRoute(app, parts)
  seeRoute(app, parts)
}

/** `GET /problems` */
function listRoute(app: RouteApp, { config }: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/problems',
    config: PUBLIC_PAGE,
    schema: {
      operationId: 'listProblems',
      tags: ['Document'],
      security: [],
      summary: 'All problem codes',
      description:
        'What each code means and what to do. A page for people, or JSON for those who would rather `Accept` that.',
      response: {
        200: {
          description: 'The codes.',
          content: {
            'text/html': { schema: PAGE_SCHEMA },
            'application/json': { schema: ref(ExplanationList) },
          },
        },
        ...problemsOnly(...PUBLIC_PROBLEMS, 'rate-limited'),
      },
    },
    handler: async (request, reply) => {
      const problems = CODES.toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status).map(code =>
        explain(code, config.basePath),
      )
      return sendPage(request, reply, { problems }, () => listPage(problems, config.docs))
    },
  })
}

/** `GET /problems/{code}` */
function seeRoute(app: RouteApp, { config }: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/problems/:code',
    config: PUBLIC_PAGE,
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
            'text/html': { schema: PAGE_SCHEMA },
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
      return sendPage(request, reply, explanation, () => pageOf(explanation, config.docs))
    },
  })
}

/** Answers with the page, or with the same as JSON. */
function sendPage(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  body: object,
  page: () => string,
): FastifyReply {
  const json = prefersJson(headers.accept)
  varyBy(reply, 'Accept')
  return reply
    .header('cache-control', `public, max-age=${MAX_AGE_S}`)
    .type(json ? 'application/json' : 'text/html; charset=utf-8')
    .send(json ? body : page())
}

const CODES = Object.keys(PROBLEMS) as ProblemCode[]

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
function listPage(problems: readonly Static<typeof Explanation>[], docs: boolean): string {
  const entries = problems.map(
    ({ code, status, title }) =>
      `<dt><a href="problems/${code}"><code>${code}</code></a></dt><dd>${status} · ${escapeHtml(title)}</dd>`,
  )
  return htmlPage(
    'Problem codes',
    `<main>
<h1>Problem codes</h1>
<p>Every error of this gateway has one of these codes; programs decide on it.</p>
<dl>
${entries.join('\n')}
</dl>
</main>
<nav aria-label="More">
<p>${apiLink('', docs)}</p>
</nav>`,
  )
}

/** `root` leads from the page to where the gateway begins. */
function apiLink(root: string, docs: boolean): string {
  return docs ? `<a href="${root}docs">The API</a>` : `<a href="${root}openapi.yaml">The API as OpenAPI</a>`
}

function pageOf(
  { code, status, title, meaning, what_to_do: whatToDo, example }: Static<typeof Explanation>,
  docs: boolean,
): string {
  const others = CODES.map(
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
<h2><a href="../problems">All codes</a></h2>
<ul>
${others.join('\n')}
</ul>
<p>${apiLink('../', docs)}</p>
</nav>`,
  )
}

/** Text with `code` in backticks. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}
