/** The pages that the `type` of a problem leads to, asked for by programs and opened by people. */

import { createHash } from 'node:crypto'
import { chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { PROBLEMS, type ProblemCode } from '../../../src/http/problem.ts'
import { WORDS } from '../../../src/http/problem-words.ts'
import { escapeHtml } from '../../../src/http/routes/page.ts'
import { prefersJson } from '../../../src/http/routes/problems.ts'
import { call, standInApp, startWorld } from '../../helper.ts'
import { findProgram, lacks } from '../../programs.ts'

const CODES = Object.keys(PROBLEMS) as ProblemCode[]

test('every code has a page that a stranger understands', async () => {
  const { app } = await standInApp({})
  for (const code of CODES) {
    const { statusCode, headers, payload } = await app.inject(`/problems/${code}`)
    expect([code, statusCode, headers['content-type']]).toEqual([code, 200, 'text/html; charset=utf-8'])
    expect(payload).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(payload).toContain(`<h1>${PROBLEMS[code].title}</h1>`)
    expect(payload).toContain(`HTTP ${PROBLEMS[code].status}<`)
    expect(payload).not.toContain('<script')
    // Of the words everything is shown, and nothing unescaped: without its tags the page reads as they were written.
    const text = payload.replaceAll(/<\/?\w[^>]*>/g, '')
    const { meaning, whatToDo, detail } = WORDS[code]
    for (const words of [meaning, whatToDo]) {
      expect(text).toContain(escapeHtml(words).replaceAll('`', ''))
      expect(words).toMatch(/^[A-Z].{20,}\.$/)
    }
    expect(text).toContain(escapeHtml(JSON.stringify(detail)))
    // Links are relative and lead to what there is.
    const links = [...payload.matchAll(/href="([^"]+)"/g)].map(([, link]) => link)
    expect(links).toEqual(['../problems', ...CODES, '../openapi.yaml'])
  }
})

test('programs get the same as JSON', async () => {
  const { app } = await standInApp({})
  for (const code of CODES) {
    const answer = await app.inject({ url: `/problems/${code}`, headers: { accept: 'application/json' } })
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.json()).toEqual({
      code,
      ...PROBLEMS[code],
      meaning: WORDS[code].meaning,
      what_to_do: WORDS[code].whatToDo,
      example: expect.objectContaining({ ...PROBLEMS[code], type: `/problems/${code}`, code }),
    })
  }
})

test('whoever does not care for JSON gets the page', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'
  const page = [
    undefined,
    '',
    '*/*',
    'text/html',
    browser,
    'application/json, text/html',
    'application/json;q=0',
  ]
  const json = [
    'application/json',
    'APPLICATION/JSON; charset=utf-8',
    'application/*',
    'text/html;q=0.5, application/json',
    'application/json, text/html;q=0.9, */*;q=0.1',
    '*/*, text/html;q=0',
  ]
  expect(page.filter(prefersJson)).toEqual([])
  expect(json.filter(accept => !prefersJson(accept))).toEqual([])
})

test.each(['', '/hostkey'])('%s/problems lists every code, as a page or as JSON', async basePath => {
  const world = await startWorld({ env: { BASE_PATH: basePath } })
  const path = `${basePath}/problems`
  const page = await world.call('GET', path, { key: null })
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const links = [...page.text.matchAll(/ href="([^"]+)"/g)].map(
    ([, link]) => new URL(link!, world.gateway.address + path).pathname,
  )
  expect(new Set(links)).toEqual(
    new Set([`${basePath}/openapi.yaml`, ...Object.keys(PROBLEMS).map(code => `${path}/${code}`)]),
  )
  const statuses = links.map(async link => (await world.call('GET', link, { key: null })).status)
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]))

  const { body, headers } = await world.call('GET', path, { headers: { accept: 'application/json' } })
  expect(headers.get('vary')).toBe('Accept')
  const { problems } = body as { problems: { code: string; status: number }[] }
  expect(problems.map(({ code }) => code).toSorted()).toEqual(Object.keys(PROBLEMS).toSorted())
  expect(problems).toContainEqual(
    (await world.call('GET', `${path}/vm-busy`, { headers: { accept: 'application/json' } })).body,
  )
  const order = problems.map(({ status }) => status)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

test('headers: nothing but its one style is allowed, and anybody may keep it', async () => {
  const { app } = await standInApp({})
  const { headers, payload } = await app.inject('/problems/vm-busy')
  const style = /<style>([^]*)<\/style>/.exec(payload)![1]!
  const digest = createHash('sha256').update(style).digest('base64')
  expect((headers['content-security-policy'] as string).split(';').toSorted()).toEqual(
    [
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      `style-src 'sha256-${digest}'`,
    ].toSorted(),
  )
  expect(headers).toMatchObject({
    'cache-control': expect.stringMatching(/^public, max-age=[1-9]\d+$/),
    vary: 'Accept',
    'x-content-type-options': 'nosniff',
  })
})

test('what is no code is no page, and comes back as text', async () => {
  const { app } = await standInApp({})
  for (const code of [
    'nothing',
    'VM-BUSY',
    'vm-busy%2F',
    'vm-busy/',
    'toString',
    '__proto__',
    '%3Cscript%3E',
  ]) {
    const answer = await app.inject({ url: `/problems/${code}`, headers: { accept: 'text/html' } })
    expect([code, answer.statusCode, answer.json().code]).toEqual([code, 404, 'route-not-found'])
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['cache-control']).toBe('no-store')
  }
  expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
})

test('the type of a real problem leads to its page, behind a prefix too', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/hostkey' } })
  const { body } = await world.call('GET', '/operations/none')
  expect(body.type).toBe('/hostkey/problems/operation-not-found')
  const page = await world.call('GET', body.type as string, { key: null })
  expect(page.text).toContain(`<h1>${body.title}</h1>`)
  expect(page.text).toContain('&quot;type&quot;: &quot;/hostkey/problems/operation-not-found&quot;')
  const busy = await world.call('GET', '/problems/vm-busy', { headers: { accept: 'application/json' } })
  expect(busy.body.example.operation).toMatch(/^\/hostkey\/operations\/op_/)
})

test.skipIf(lacks('chromium'))(
  'in a browser: on a phone, in the dark, and from page to page',
  { timeout: 40_000 },
  async () => {
    const world = await startWorld({ env: { BASE_PATH: '/hostkey', DOCS: 'true' } })
    const browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 360, height: 900 }, colorScheme: 'dark' })
    const trouble: string[] = []
    page.on('console', message => trouble.push(message.text()))
    page.on('pageerror', error => trouble.push(String(error)))

    const base = `${world.gateway.address}/hostkey`
    await page.goto(`${base}/problems/upstream-conflict`)
    if (process.env.PROBLEM_SCREENSHOT)
      await page.screenshot({ path: process.env.PROBLEM_SCREENSHOT, fullPage: true })
    const seen = (script: string): Promise<unknown> => page.evaluate(script)
    // The style was let in, the page is not wider than the phone, and the dark is dark.
    expect(await seen('getComputedStyle(document.querySelector("ul")).listStyleType')).toBe('none')
    expect(await seen('document.documentElement.scrollWidth')).toBe(360)
    expect(await seen('getComputedStyle(document.body).color')).toBe('rgb(255, 255, 255)')

    await page.getByRole('link', { name: 'vm-busy' }).click()
    expect(page.url()).toBe(`${base}/problems/vm-busy`)
    expect(await page.locator('h1').innerText()).toBe(PROBLEMS['vm-busy'].title)
    const docs = await seen('document.querySelector("nav p a").href')
    expect(docs).toBe(`${base}/docs`)
    expect((await call(docs as string, 'GET', '', { key: null })).text).toContain('swagger-ui')
    expect(trouble).toEqual([])
  },
)
