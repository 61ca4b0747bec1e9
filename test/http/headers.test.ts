import Fastify from 'fastify'
import helmet from 'helmet'
import { expect, test } from 'vitest'
import { API_HEADERS, securityHeaders } from '../../src/http/headers.ts'

/** What helmet sends with this policy, over a real answer. */
async function headersOfHelmet(directives: Record<string, string[]>): Promise<Record<string, unknown>> {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    strictTransportSecurity: false,
  })
  const app = Fastify()
  app.addHook('onRequest', (request, reply, done) =>
    protect(request.raw, reply.raw, error => done(error as Error | undefined)),
  )
  app.get('/', (_request, reply) => reply.code(204).send())
  const { headers } = await app.inject('/')
  const { date: _date, connection: _connection, ...set } = headers
  return set
}

test('a page has the headers that helmet sends', async () => {
  for (const policy of [
    { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    { 'default-src': ["'self'", 'data:'], 'style-src': ["'sha256-x'"], 'base-uri': ["'none'"] },
  ])
    expect(securityHeaders(policy)).toEqual(await headersOfHelmet(policy))
})

test('an answer of the API has those of them that concern more than pages', async () => {
  const all = await headersOfHelmet({ 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] })
  expect(all).toMatchObject(API_HEADERS)
  expect(Object.keys(all).filter(name => !(name in API_HEADERS))).toEqual([
    'cross-origin-opener-policy',
    'origin-agent-cluster',
    'x-dns-prefetch-control',
    'x-download-options',
    'x-permitted-cross-domain-policies',
    'x-xss-protection',
  ])
})
