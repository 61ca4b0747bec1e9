import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { redact } from '../../src/upstream/redact.ts'
import { isSecretName } from '../../src/upstream/secret-names.ts'

const SECRET_NAMES = `token key password root_pass rootPass ROOTPASS vnc-password pwd sshKey SSHKey apikey API_KEY privateKeyPem
  token_expire accessTokens callback asyncKey userPIN auth Authorization set-cookie session.id client_secret credentials
  Passphrase otp psw pswd passcode bearer jwt signature hash sid totp client.pem vncpw rootpw VNCPW пароль Пароль_root
  password2 root_pass1 pass12 key2 apiKey3 vncpw2 пароль2 rootpassword userPassword1 sshkey`
test.each(SECRET_NAMES.split(/\s+/))('%s is named like a secret', name => {
  expect(isSecretName(name)).toBe(true)
})

const OTHER_NAMES = `name snapshot_id date keyboard monkey author passive spinning obsession bandwidth cpu __proto__ tok
  authority pinned sessions hostkey monkey pinball signal hashtag tokyo`
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
  ['p+q/r s=', 'a=p%2Bq%2Fr%20s%3D&b=p%2Bq%2Fr+s%3D&p+q/r s=', 'a=[redacted]&b=[redacted]&[redacted]'],
  ['wow!(1)~*', 'wow%21%281%29%7E* wow!(1)~*', '[redacted] [redacted]'],
  ['$&$1aa', '-$&$1aa-', '-[redacted]-'],
  ['short', 'short', 'short'],
  ['', 'abc', 'abc'],
])('%s is blotted out of %s', (secret, text, clean) => {
  expect(redact(text, [secret])).toBe(clean)
})

test('no tail of a longer secret stays behind a shorter one', () => {
  expect(redact('abcdefghij', ['abcdef', 'abcdefghij'])).toBe('[redacted]')
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
    // A pair whose name is a known secret; a name that is one once a known secret is out of it.
    { numRuns: 300, examples: [[[['s3cr3t-token-A', 0]]], [{ 'keyp+q/r s=!é': 0 }]] },
  )
})

/** How a name and a value stand in texts; each with what must stay. */
const PAIRS: ((name: string, value: string) => string)[] = [
  (name, value) => `created, ${name}=${value} and more`,
  (name, value) => `${name} = ${value}`,
  (name, value) => `Root ${name}: ${value}`,
  (name, value) => `<b>Root ${name}</b>: ${value}`,
  (name, value) => `${name.toUpperCase()}:\n  ${value}`,
  (name, value) => `${name} (root): ${value}`,
  (name, value) => `The ${name} for user root is: ${value}`,
  (name, value) => `https://example.com/?vm=5&${name}=${value}`,
  (name, value) => `{"code":-1,"${name}":"${value}","cut`,
  (name, value) => `said {\\"${name}\\":\\"${value}\\"}`,
  (name, value) => `<p>{&quot;${name}&quot;:&quot;${value}&quot;}`,
  (name, value) => `%7B%22${name}%22%3A%22${value}%22%7D`,
  (name, value) => `{'${name}': '${value}'}`,
  (name, value) => `Array\n(\n    [${name}] => ${value} with spaces ${value}\n)`,
  (name, value) => `Array\n(\n    [${name}] => Array\n  (\n [0] => ${value}\n [1] => ${value}\n)\n)`,
  (name, value) => `array(1) {\n  ["${name}"]=>\n  string(7) "${value}"\n}`,
  (name, value) => `array (\n  '${name}' => '${value}',\n)`,
  (name, value) => `a:1:{s:8:"${name}";s:7:"${value}";}`,
  (name, value) => `<${name}>${value}</${name}>`,
  (name, value) => `<tr><td>Root ${name}</td><td>${value}</td></tr>`,
  (name, value) => `x {"name":"root_${name}","value":"${value}"`,
  (name, value) => `<param name="${name}" value="${value}"/>`,
  (name, value) => `[name] => ${name}\n [value] => ${value}`,
  (name, value) => `${name}: Bearer ${value}`,
  (_, value) => `cloned from https://root:${value}@example.com/a`,
  (_, value) => `Authorization: Bearer ${value}`,
  (name, value) => JSON.stringify({ name: `root_${name}`, value }),
  (name, value) => JSON.stringify({ value, label: `Root ${name}` }),
  (name, value) => JSON.stringify({ [name]: 'a', note: `{"${name}":"${value}","${name}":1}` }),
  (name, value) => JSON.stringify({ list: [{ text: `the ${name}=${value}` }] }),
  (name, value) => `{"note":"${name}=${value}","note":"twice"}`,
]
const NAMES = [
  'password',
  'passwd',
  'token',
  'psw',
  'pswd',
  'passcode',
  'vncpw',
  'пароль',
  'secret',
  'api_key',
  'pin2',
]

test('no value that has the name of a secret stays in a text, in any form', () => {
  // What may stand bare in all of the forms.
  const value = fc.stringMatching(/^[A-Za-z0-9!$*+_.~-]{8,20}$/)
  fc.assert(
    fc.property(fc.constantFrom(...PAIRS), fc.constantFrom(...NAMES), value, (pair, name, secret) => {
      const text = pair(name, secret)
      const cleaned = JSON.stringify([redact(text), redact({ a: [text] }), redact({ [text]: 1 })])
      expect(cleaned).not.toContain(secret)
    }),
    { numRuns: 3_000 },
  )
})

test('a value in quotes or brackets goes to its end, whatever is in it', () => {
  const cases: [string, string][] = [
    ['a "password":"x\\"y z", "b":1', 'a "password":[redacted], "b":1'],
    ["password='a b' and", 'password=[redacted] and'],
    ['"token":{"a":["x"]},"b":2', '"token":[redacted],"b":2'],
    ['"pin":1234,"b":2', '"pin":[redacted],"b":2'],
    ['token=a&vm=5&key=b', 'token=[redacted]&vm=5&key=[redacted]'],
    ['password="never closed, and all', 'password=[redacted]'],
    ['password=[a]b c', 'password=[redacted] c'],
  ]
  for (const [text, cleaned] of cases) expect(redact(text)).toBe(cleaned)
})

test.each([
  'failed to request snapshot creation for 1000 - the limit of snapshots is reached',
  'invalid hash',
  'token expired',
  'AsyncKey not found',
  'see https://example.com/a?b=1 at 10:20:30',
  'Bandwidth: 10, CPU: 5 %',
])('%s stays as it is', text => {
  expect(redact(text)).toBe(text)
})

test('a snapshot may be named like a secret: a list keeps it', () => {
  const list = {
    snapshots: [{ name: 'before-key-rotation', snapshot_id: 7, date: '2026-01-01', token: 'x' }],
  }
  expect(redact(list)).toEqual({
    snapshots: [{ name: 'before-key-rotation', snapshot_id: 7, date: '2026-01-01' }],
  })
  expect(redact(JSON.stringify(list.snapshots))).toContain('"before-key-rotation"')
})

test('a known secret is found in any case, encoded, and encoded twice, whatever stands around it', () => {
  const encoders: ((text: string) => string)[] = [
    text => text,
    encodeURIComponent,
    text => new URLSearchParams({ a: text }).toString().slice(2),
    text => Buffer.from(text).toString('base64'),
    text => Buffer.from(text).toString('base64url'),
    text => Buffer.from(text).toString('hex'),
    text => text.replaceAll(/[^]/gu, c => (/[a-z0-9]/i.test(c) ? c : encodeURIComponent(c).toLowerCase())),
    text => text.toUpperCase(),
    text => text.toLowerCase(),
  ]
  const secret = fc.stringMatching(/^[A-Za-z0-9+/=_-]{12,40}$/)
  const encoder = fc.constantFrom(...encoders)
  // What is in another case first is another text for base64 and hex.
  const inner = fc.constantFrom(...encoders.slice(0, 6))
  const around = fc.stringMatching(/^[ .,;|]{0,4}$/)
  fc.assert(
    fc.property(secret, inner, encoder, around, around, (text, first, second, before, after) => {
      const shown = second(first(text))
      const cleaned = String(redact(before + shown + after, [text]))
      expect(cleaned).toContain('[redacted]')
      // At most the last characters of base64, which tell a byte or two.
      expect(cleaned.replaceAll('[redacted]', '').length).toBeLessThan(before.length + after.length + 8)
    }),
    { numRuns: 3_000 },
  )
  // Inside of more that is encoded.
  for (const before of ['', 'a', 'ab']) {
    const text = Buffer.from(`${before}s3cr3t-token-AB and more`).toString('base64')
    expect(redact(text, ['s3cr3t-token-AB'])).toMatch(/^.{0,4}\[redacted\]/)
  }
})

test('1 MiB of anything takes less than 50 ms of the processor', () => {
  const size = 1024 * 1024
  const repeated = (part: string): string => part.repeat(Math.ceil(size / part.length)).slice(0, size)
  const counted = (part: (i: number) => string): string => {
    let text = ''
    for (let i = 0; text.length < size; i += 1) text += part(i)
    return text
  }
  const texts = [
    'a',
    '\\',
    '<',
    '"',
    ' ',
    'key',
    'key ',
    'key=',
    'key= ',
    'key : x ',
    'key="',
    "key='",
    'key\\',
    'key="\\',
    'key<a b c d e f g h>',
    'key<',
    'key=[',
    'key=(]',
    '://',
    '://a:b@',
    'key for a for a ',
    'key (aaaa ',
    'key=a&b&c&d',
    '<td>password</td><td>',
    'key","value',
    'key"\'`"\'`"\'`',
    'пароль: x ',
    'the quick brown fox ',
  ].map(repeated)
  texts.push(
    counted(i => `pin${i} `),
    counted(i => `pin${i}= `),
    counted(i => `key${'\\'.repeat(i % 40)}"`),
  )
  const secrets = ['s3cr3t-token-A-00000000', 'p+q/r s=!é-0000000', '0123456789abcdef0123456789abcdef']
  const taken = texts.map(text => {
    const runs = [1, 2, 3].map(() => {
      const before = process.threadCpuUsage()
      redact(text, secrets)
      return process.threadCpuUsage(before).user / 1000
    })
    return { text: text.slice(0, 20), ms: Math.min(...runs) }
  })
  expect(taken.filter(({ ms }) => ms > 50)).toEqual([])
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
