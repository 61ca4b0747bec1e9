import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { blot, isSecretName, redact } from '../../src/upstream/redact.ts'

const SECRET_NAMES = `token key password root_pass rootPass ROOTPASS vnc-password pwd sshKey SSHKey apikey API_KEY privateKeyPem
  token_expire accessTokens callback asyncKey userPIN auth Authorization set-cookie session.id client_secret credentials
  Passphrase otp`
test.each(SECRET_NAMES.split(/\s+/))('%s is named like a secret', name => {
  expect(isSecretName(name)).toBe(true)
})

const OTHER_NAMES = `name snapshot_id date keyboard monkey author passive spinning obsession bandwidth cpu __proto__ tok
  authority pinned sessions`
test.each(['', ...OTHER_NAMES.split(/\s+/)])('%s is not', name => {
  expect(isSecretName(name)).toBe(false)
})

test('members named like secrets go at any depth, the rest stays as it was', () => {
  const stats = {
    cpu: 12.5,
    disks: [{ size: 0, root_pass: 'x' }],
    up: true,
    none: null,
    vnc: { password: 'x' },
  }
  expect(redact(stats)).toEqual({ cpu: 12.5, disks: [{ size: 0 }], up: true, none: null, vnc: {} })
  expect(stats.vnc).toEqual({ password: 'x' })
})

test('a text that is JSON loses its secret members too; without any it is untouched', () => {
  const inner = JSON.stringify({ a: 1, token: 'x', deeper: JSON.stringify([{ password: 'y', b: 2 }]) })
  expect(redact({ debug: inner })).toEqual({ debug: '{"a":1,"deeper":"[{\\"b\\":2}]"}' })
  for (const text of ['{ "a" : 1.0 }', '[done] {"token":', '{token}', '12', ''])
    expect(redact(text)).toBe(text)
  expect(redact('[123, "secret-1"]', ['secret-1'])).toBe('[123,"[redacted]"]')
})

test('a text that is JSON too deep to look into is blotted as a whole', () => {
  const depth = 200_000
  expect(redact('{"a":'.repeat(depth) + '{"token":"x"}' + '}'.repeat(depth))).toBe('[redacted]')
})

test.each([
  ['abcdef', 'x abcdef, abcdefabcdef y', 'x [redacted], [redacted][redacted] y'],
  [
    'p+q/r s=',
    'key=p%2Bq%2Fr%20s%3D&key=p%2Bq%2Fr+s%3D&p+q/r s=',
    'key=[redacted]&key=[redacted]&[redacted]',
  ],
  ['wow!(1)~*', 'wow%21%281%29%7E* wow!(1)~*', '[redacted] [redacted]'],
  ['$&$1aa', '-$&$1aa-', '-[redacted]-'],
  ['short', 'short', 'short'],
  ['', 'abc', 'abc'],
])('%s is blotted out of %s', (secret, text, clean) => {
  expect(blot(text, [secret])).toBe(clean)
})

test('no tail of a longer secret stays behind a shorter one', () => {
  expect(blot('abcdefghij', ['abcdef', 'abcdefghij'])).toBe('[redacted]')
})

test('a member called __proto__ stays a plain member', () => {
  const clean = redact(JSON.parse('{"__proto__":{"polluted":1,"token":2},"constructor":3}'))
  expect(JSON.stringify(clean)).toBe('{"__proto__":{"polluted":1},"constructor":3}')
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('whatever the JSON, no secret and no secret member is left, and cleaning twice changes nothing', () => {
  const SECRETS = ['s3cr3t-token-A', 's3cr3t-token-A-and-longer', 'p+q/r s=!é']
  const secret = fc.constantFrom(...SECRETS)
  const text = fc.oneof(
    fc.string(),
    fc.tuple(fc.string(), secret, fc.string()).map(parts => parts.join('')),
    secret.map(encodeURIComponent),
  )
  const name = fc.oneof(fc.constantFrom('token', 'root_pass', 'name', '__proto__', 'apiKey'), text)
  const { json } = fc.letrec(tie => ({
    json: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(text, fc.integer(), fc.constant(null)),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.array(fc.tuple(name, tie('json')), { maxLength: 4 }).map(members => Object.fromEntries(members)),
      tie('json').map(value => JSON.stringify(value)),
    ),
  }))
  const secretMembers = (value: unknown): string[] => {
    if (typeof value === 'string') return /^\s*[[{]/.test(value) ? secretMembers(parsed(value)) : []
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, member]) => [
      ...(!Array.isArray(value) && isSecretName(key) ? [key] : []),
      ...secretMembers(member),
    ])
  }
  fc.assert(
    fc.property(json, value => {
      const clean = redact(value, SECRETS)
      const shown = JSON.stringify(clean)
      for (const known of SECRETS) {
        expect(shown).not.toContain(known)
        expect(shown).not.toContain(encodeURIComponent(known))
      }
      expect(secretMembers(clean)).toEqual([])
      expect(JSON.stringify(redact(clean, SECRETS))).toBe(shown)
    }),
    { numRuns: 300 },
  )
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
