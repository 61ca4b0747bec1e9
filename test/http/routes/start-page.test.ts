/** The start page: it says how the gateway is, and its links lead somewhere. */

import { chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { StoreUnavailable } from '../../../src/operations/store.ts'
import { VERSION } from '../../../src/config/version.ts'
import { call, standInApp, startWorld } from '../../helper.ts'
import { findProgram, lacks } from '../../programs.ts'

const linksOf = (html: string): string[] => [...html.matchAll(/ href="([^"]+)"/g)].map(([, link]) => link!)

test.each([
  ['', '/'],
  ['/hostkey', '/'],
  ['/hostkey', '/hostkey'],
  ['/hostkey', '/hostkey/'],
])('BASE_PATH=%s: it is at %s, and every link leads somewhere', async (basePath, path) => {
  const world = await startWorld({ env: { BASE_PATH: basePath, DOCS: 'true' } })
  const { status, text, headers } = await call(world.gateway.address, 'GET', path, { key: null })
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(text).toMatch(/<strong>Ready<\/strong> · version /)
  expect(text).toContain(VERSION)
  // Seen from where the caller is: a proxy in front of the gateway hands the prefix on, or takes it away.
  const at = new URL(basePath === '' ? path : '/hostkey', world.gateway.address)
  const targets = linksOf(text).map(link => new URL(link, at).href)
  const answers = targets.map(async target => [target, (await call(target, 'GET', '', { key: null })).status])
  expect(await Promise.all(answers)).toEqual(targets.map(target => [target, 200]))
  const named = ['docs', 'openapi.yaml', 'openapi.json', 'problems', 'readyz', 'livez', 'metrics']
  expect(targets).toEqual(named.map(name => `${world.gateway.address}${basePath}/${name}`))
})

test('without Swagger UI there is no link to it', async () => {
  const world = await startWorld({ env: { DOCS: 'false' } })
  const { text } = await world.call('GET', '/', { key: null })
  expect(linksOf(text)[0]).toBe('openapi.yaml')
})

test('it says why the gateway is not ready', async () => {
  const { app, draining } = await standInApp({
    ping: () => Promise.reject(new StoreUnavailable('secret address of the store')),
  })
  const away = await app.inject('/')
  expect(away.statusCode).toBe(200)
  expect(away.body).toContain('<strong>Not ready</strong>: its store cannot be reached')
  expect(away.body).not.toContain('secret address')
  expect(away.headers['cache-control']).toBe('no-store')
  draining.abort()
  expect((await app.inject('/')).body).toContain('<strong>Not ready</strong>: it is shutting down')
})

test.skipIf(lacks('chromium')).each(['light', 'dark'] as const)(
  'a browser shows it on a phone, %s, and nothing breaks its policy',
  async colorScheme => {
    const world = await startWorld({ env: { DOCS: 'true' } })
    const browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    })
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 320, height: 640 }, colorScheme })
    const trouble: string[] = []
    page.on('console', message => trouble.push(message.text()))
    await page.goto(world.gateway.address)
    if (process.env.START_PAGE_SCREENSHOT)
      await page.screenshot({ path: `${process.env.START_PAGE_SCREENSHOT}-${colorScheme}.png` })
    // Styled, and no wider than the screen.
    const border = "getComputedStyle(document.querySelector('.ready')).borderLeftStyle"
    expect(await page.evaluate(border)).toBe('solid')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    // The icon that browsers ask for by themselves is all that is not there.
    expect(trouble.filter(text => !text.includes('404'))).toEqual([])
  },
)
