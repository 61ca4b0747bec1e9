import { expect, test } from 'vitest'
import { load, problemsOf, REQUIRED } from './load.ts'

test('signed tokens: a JWKS, an issuer and an audience, or none of them', () => {
  const all = {
    JWT_JWKS_URL: 'https://id.example.com/jwks/?v=1',
    JWT_ISSUER: 'https://id.example.com/',
    JWT_AUDIENCE: 'gateway',
  }
  expect(load({}).jwt).toBeNull()
  expect(load(all).jwt).toEqual({
    jwksUrl: 'https://id.example.com/jwks/?v=1',
    issuer: 'https://id.example.com/',
    audience: 'gateway',
  })
  for (const url of ['http://127.0.0.1:8080/jwks', 'http://localhost/jwks'])
    expect(load({ ...all, JWT_JWKS_URL: url }).jwt?.jwksUrl).toBe(url)
  for (const [name, value] of Object.entries(all)) {
    const others = Object.keys(all).filter(one => one !== name)
    expect(problemsOf({ ...REQUIRED, [name]: value })).toEqual(
      others.map(other => expect.stringMatching(`^${other} is required`)),
    )
    expect(problemsOf({ ...REQUIRED, ...all, [name]: ' ' })).toEqual([
      expect.stringMatching(`^${name} is required`),
    ])
  }
  for (const url of [
    'http://id.example.com/jwks',
    'http://10.0.0.1/jwks',
    'id.example.com/jwks',
    'file:///etc/jwks.json',
    'https://user:pass@id.example.com/jwks',
    'https://id.example.com/jwks#a',
  ])
    expect([url, ...problemsOf({ ...REQUIRED, ...all, JWT_JWKS_URL: url })]).toEqual([
      url,
      expect.stringMatching(/^JWT_JWKS_URL (must|may) /),
    ])
})
