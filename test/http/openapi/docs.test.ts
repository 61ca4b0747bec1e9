/** Swagger UI in a real browser: what a person does at /docs works, and nothing is fetched from anywhere else. */

import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { Environment } from '../../../src/config/config.ts'
import { call, KEY, startWorld, type World } from '../../helper.ts'
import { findProgram, lacks } from '../../programs.ts'

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const missing = lacks('chromium')

interface Visit {
  page: Page
  /** Everything that went wrong in the page. */
  trouble: string[]
  /** Where its requests went. */
  hosts: Set<string>
}

let browser: Browser | undefined
afterAll(() => browser?.close())

/** A page without cookies or a cache of another test's. */
async function openPage(look: BrowserContextOptions = {}): Promise<Visit> {
  browser ??= await chromium.launch({ executablePath: findProgram('chromium')!, args: ARGS })
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 }, ...look })
  onTestFinished(() => page.close())
  page.setDefaultTimeout(30_000)
  const trouble: string[] = []
  const hosts = new Set<string>()
  // What the policy stops is told on the console as well, but in words that change.
  await page.addInitScript(`addEventListener('securitypolicyviolation', event =>
    console.error('policy', event.violatedDirective, event.blockedURI))`)
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) trouble.push(message.text())
  })
  page.on('pageerror', error => trouble.push(String(error)))
  page.on('requestfailed', request => trouble.push(`failed: ${request.url()}`))
  page.on('request', request => {
    const { protocol, host } = new URL(request.url())
    if (protocol !== 'data:') hosts.add(host)
  })
  return { page, trouble, hosts }
}

/** Authorizes with a key and takes a snapshot, as a person would. */
async function takeSnapshot(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Authorize', exact: true }).first().click()
  const dialog = page.locator('.dialog-ux')
  await dialog.locator('input').first().fill(KEY)
  await dialog
    .getByRole('button', { name: /^(Authorize|Apply credentials)$/ })
    .first()
    .click()
  await dialog.getByRole('button', { name: 'Close', exact: true }).first().click()

  const operation = page.locator('#operations-Snapshots-createSnapshot')
  await operation.locator('.opblock-summary-control').click()
  await operation.locator('tr[data-param-name="vm_id"] input').fill('1004')
  await operation.locator('tr[data-param-name="Prefer"] input').fill('wait=10')
  await operation.locator('textarea.body-param__text').fill(JSON.stringify({ name }))
  await operation.getByRole('button', { name: 'Execute', exact: true }).click()
  await operation.locator('.live-responses-table tbody .response-col_status').waitFor()
}

/** The answer that the page shows. */
async function shownAnswer(page: Page): Promise<{ status: string; body: string }> {
  const live = page.locator('#operations-Snapshots-createSnapshot .live-responses-table')
  const [status, body] = await Promise.all([
    live.locator('tbody .response-col_status').innerText(),
    live.locator('tbody .response-col_description .highlight-code code').first().innerText(),
  ])
  return { status: status.trim(), body }
}

/** A proxy before the gateway: it takes the prefix away, or leaves it. */
async function startProxy(world: World, prefix: string, strip: boolean): Promise<string> {
  const { port } = new URL(world.gateway.address)
  const proxy = createServer((req, res) => {
    if (!req.url!.startsWith(`${prefix}/`)) return res.writeHead(404).end()
    const path = strip ? req.url!.slice(prefix.length) : req.url!
    const { method, headers } = req
    const onward = forward({ host: '127.0.0.1', port, path, method, headers }, answer => {
      res.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(res)
    })
    return req.pipe(onward)
  })
  onTestFinished(() => void proxy.close())
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`
}

const BEHIND: Environment = { BASE_PATH: '/hostkey', DOCS: 'true' }

/** Gateways as callers reach them. */
const PLACES: Record<string, () => Promise<{ world: World; base: string }>> = {
  'without a prefix': async () => {
    const world = await startWorld({ env: { DOCS: 'true' } })
    return { world, base: world.gateway.address }
  },
  'behind a prefix that the proxy takes away': async () => {
    const world = await startWorld({ env: BEHIND })
    return { world, base: await startProxy(world, '/hostkey', true) }
  },
  'behind a prefix that the proxy leaves': async () => {
    const world = await startWorld({ env: BEHIND })
    return { world, base: await startProxy(world, '/hostkey', false) }
  },
}

test.each(Object.entries(PLACES))('%s, /docs and /docs/ find their files', async (_, place) => {
  const { base } = await place()
  for (const path of ['/docs', '/docs/']) {
    const { text, headers } = await call(base, 'GET', path, { key: null })
    const links = [...text.matchAll(/ (?:href|src)="([^"]+)"/g)].map(
      ([, link]) => new URL(link!, base + path).href,
    )
    expect(links.length).toBeGreaterThan(5)
    // Where the page looks for the document: below its own address.
    links.push(`${base}/docs/json`)
    const statuses = links.map(async link => [link, (await call(link, 'GET', '', { key: null })).status])
    expect(await Promise.all(statuses)).toEqual(links.map(link => [link, 200]))
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
  }
})

test.skipIf(missing).each([
  ['without a prefix', '/docs/'],
  ['behind a prefix that the proxy takes away', '/docs'],
])('%s: authorize at %s, try it out, see the operation', { timeout: 120_000 }, async (place, path) => {
  const { world, base } = await PLACES[place]!()
  const { page, trouble, hosts } = await openPage()
  await page.goto(base + path)
  await takeSnapshot(page, 'by-hand')
  const { status, body } = await shownAnswer(page)
  expect(status).toBe('200')
  expect(JSON.parse(body)).toMatchObject({
    kind: 'snapshot.create',
    status: 'succeeded',
    vm_id: 1004,
    snapshot: 'by-hand',
  })
  expect(world.simulator.vm(1004)?.snapshots.map(({ name }) => name)).toEqual(['by-hand'])
  if (process.env.DOCS_SCREENSHOT) await picture(page, process.env.DOCS_SCREENSHOT)
  expect(trouble).toEqual([])
  expect([...hosts]).toEqual([new URL(base).host])
})

test.skipIf(missing)(
  'on a phone in the dark it is dark and no wider than the phone, and a key shows as dots',
  { timeout: 60_000 },
  async () => {
    const world = await startWorld({ env: { DOCS: 'true' } })
    const phone = { viewport: { width: 375, height: 800 }, isMobile: true, hasTouch: true }
    const { page, trouble } = await openPage({ ...phone, colorScheme: 'dark' })
    await page.goto(`${world.gateway.address}/docs`)
    await page.locator('#operations-Snapshots-createSnapshot .opblock-summary-control').click()
    await page.locator('#operations-Snapshots-createSnapshot textarea.body-param__text').waitFor()
    const seen = (script: string): Promise<unknown> => page.evaluate(script)
    // Nothing sticks out, and the browser did not zoom out to make it fit.
    expect(await seen('[document.documentElement.scrollWidth, visualViewport.width]')).toEqual([375, 375])
    const luminance = `(selector, property) =>
      Math.max(...getComputedStyle(document.querySelector(selector))[property].match(/\\d+/g).slice(0, 3).map(Number))`
    const darkest = `(${luminance})('html', 'backgroundColor')`
    expect(await seen(darkest)).toBeLessThan(60)
    expect(await seen(`(${luminance})('.info .title', 'color')`)).toBeGreaterThan(180)
    await page.locator('.btn.authorize').click()
    const inputs = '[...document.querySelectorAll(".dialog-ux input")]'
    expect(await seen(`${inputs}.map(({ type, autocomplete }) => type + ' ' + autocomplete)`)).toEqual(
      Array.from({ length: 2 }, () => 'password off'),
    )
    expect(await seen(`Math.max(...${inputs}.map(one => one.getBoundingClientRect().right))`)).toBeLessThan(
      375,
    )
    await page.emulateMedia({ colorScheme: 'light' })
    await page.locator('html:not(.dark-mode)').waitFor({ state: 'attached' })
    expect(trouble).toEqual([])
  },
)

/** The page from its top to the answer that was got. */
async function picture(page: Page, path: string): Promise<void> {
  const answer = (await page.locator('.live-responses-table').boundingBox())!
  const { width } = page.viewportSize()!
  const clip = { x: 0, y: 0, width, height: Math.ceil(answer.y + answer.height) }
  await page.screenshot({ path, fullPage: true, clip })
}

test('DOCS=false takes Swagger UI away and leaves the document', async () => {
  const world = await startWorld({ env: { DOCS: 'false' } })
  const statusOf = async (path: string): Promise<number> =>
    (await call(world.gateway.address, 'GET', path, { key: null })).status
  expect(await statusOf('/docs')).toBe(404)
  expect(await statusOf('/docs/static/index.html')).toBe(404)
  expect(await statusOf('/openapi.json')).toBe(200)
})
