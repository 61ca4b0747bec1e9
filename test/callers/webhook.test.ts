/** Webhooks in the callers file: what they may be, and how their secrets are read. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openCallersFile, parseCallers, type CallersFile } from '../../src/callers/file.ts'
import { newEntry } from '../../src/callers/key.ts'
import { rotateInText } from '../../src/callers/rotate.ts'
import { temporaryDirectory } from '../helper.ts'

const SOON = { timeout: 5_000, interval: 10 }
const secret = (fill: number): string => `whsec_${Buffer.alloc(24, fill).toString('base64')}`
const [OLD, NEW] = [secret(1), secret(2)]
const URL_TEXT = 'https://receiver.example.com/hook?key=canary'

const withWebhook = (webhook: unknown, name = 'a'): object => ({
  ...newEntry(name, `key-${name}`, ['stats:read'], [1]),
  webhook,
})
const text = (...callers: object[]): string => JSON.stringify({ callers }, null, 2)

test.each<[webhook: unknown, where: string, what: string]>([
  ['https://a.example', '12:7', 'webhook must be an object with url, and secret or secret_file'],
  [{ secret: OLD }, '12:7', 'url is missing: it must be an https URL'],
  [{ url: URL_TEXT }, '12:7', 'secret is missing: it must be whsec_ followed by base64'],
  [
    { url: URL_TEXT, secret: OLD, secret_file: '/s' },
    '15:9',
    'only one of secret and secret_file may be there',
  ],
  [
    { url: URL_TEXT, secert: OLD },
    '14:9',
    '"secert" is no known member; there may be url, secret, secret_file; did you mean secret?',
  ],
  [{ url: URL_TEXT, secret: 'canary' }, '14:9', 'secret must be whsec_ followed by base64'],
  [{ url: URL_TEXT, secret: 'whsec_canary_' }, '14:9', 'a list of the new one and the old one'],
  [{ url: URL_TEXT, secret: [OLD, 'canary'] }, '16:11', 'secret must be whsec_ followed by base64'],
  [{ url: URL_TEXT, secret: [] }, '14:9', 'secret must be'],
  [{ url: URL_TEXT, secret: [OLD, NEW, OLD] }, '14:9', 'secret must be'],
  [{ url: URL_TEXT, secret_file: '' }, '14:9', 'secret_file must be the path of the file'],
  [{ url: 'receiver.example.com/canary', secret: OLD }, '13:9', 'url must be an https URL'],
  [{ url: 'ftp://canary.example', secret: OLD }, '13:9', 'url must be an https URL'],
  [
    { url: 'http://canary.example/', secret: OLD },
    '13:9',
    'url may be plain http only to a loopback address',
  ],
  [
    { url: 'http://10.0.0.1/canary', secret: OLD },
    '13:9',
    'url may be plain http only to a loopback address',
  ],
  [{ url: 'https://user:canary@a.example/', secret: OLD }, '13:9', 'url must not carry a user or a password'],
  [{ url: 'https://canary@a.example/', secret: OLD }, '13:9', 'url must not carry a user or a password'],
  [{ url: 'https://a.example/#canary', secret: OLD }, '13:9', 'url must not carry a fragment'],
])('%o', (webhook, where, what) => {
  const parse = (): unknown => parseCallers(text(withWebhook(webhook)), 'file')
  expect(parse).toThrow(`file:${where}: caller "a": `)
  expect(parse).toThrow(what)
  expect(parse).not.toThrow('canary')
})

test.each([
  'https://receiver.example.com:8443/hook?a=b',
  'https://10.1.2.3/',
  'http://localhost:9000/',
  'http://LOCALHOST.:9000/',
  'http://127.0.0.1/',
  'http://127.1.2.3:80/',
  'http://2130706433/',
  'http://[::1]:9000/',
  'http://[::ffff:127.0.0.1]/',
])('%s may be there', url => {
  const { webhooks, warnings } = parseCallers(text(withWebhook({ url, secret: [NEW, OLD] })), 'file')
  expect([...webhooks.keys(), ...warnings]).toEqual(['a'])
})

test('the entry of docs/webhooks.md is a good one', () => {
  const [, entry = ''] = /```json\n(.*?)^```/ms.exec(readFileSync('docs/webhooks.md', 'utf8')) ?? []
  const { webhooks } = parseCallers(`{"callers":[${entry.replace('…', '0'.repeat(64))}]}`, 'file')
  expect([...webhooks.keys()]).toEqual(['backup-scheduler'])
})

test('a caller keeps its webhook when its key is rotated', () => {
  const before = text(withWebhook({ url: URL_TEXT, secret: [NEW, OLD] }))
  const after = rotateInText(before, 'file', { name: 'a', newKey: 'new', overlapMs: 1_000, nowMs: 0 })
  expect(parseCallers(after, 'file').webhooks).toEqual(parseCallers(before, 'file').webhooks)
  expect(parseCallers(after, 'file').keys.size).toBe(2)
})

test('a secret that is shorter than Standard Webhooks asks for is warned of', () => {
  const { warnings } = parseCallers(text(withWebhook({ url: URL_TEXT, secret: 'whsec_c2VjcmV0' })), 'file')
  expect(warnings).toEqual([
    'file:14:9: caller "a": secret should be 24 to 64 bytes, as Standard Webhooks asks',
  ])
})

/** A callers file that is open, and what is logged of it. */
function openFile(...callers: object[]): {
  callers: CallersFile
  write: (...callers: object[]) => void
  log: { info: object[]; error: object[] }
} {
  const path = join(temporaryDirectory(), 'callers.json')
  const write = (...entries: object[]): void => writeFileSync(path, text(...entries))
  write(...callers)
  const log = { info: [] as object[], error: [] as object[] }
  const open = openCallersFile(path, {
    log: { info: it => log.info.push(it), warn: () => {}, error: it => log.error.push(it) },
    intervalMs: 5,
  })
  onTestFinished(() => open.close())
  return { callers: open, write, log }
}

const secretsOf = (callers: CallersFile, name = 'a'): readonly string[] => [
  ...(callers.receiver(name)?.secrets() ?? ['no receiver']),
]

test('a webhook that is new, changed or taken away counts without a restart', async () => {
  const { callers, write } = openFile(newEntry('a', 'key-a', ['stats:read'], [1]))
  expect([callers.receiver('a'), callers.receiverNames()]).toEqual([undefined, []])
  write(withWebhook({ url: URL_TEXT, secret: OLD }))
  await vi.waitFor(() => expect(callers.receiverNames()).toHaveLength(1), SOON)
  expect(callers.receiver('a')).toMatchObject({ name: 'a', url: new URL(URL_TEXT) })
  expect([secretsOf(callers), secretsOf(callers, 'b')]).toEqual([[OLD], ['no receiver']])
  write(withWebhook({ url: 'https://other.example/', secret: [NEW, OLD] }))
  await vi.waitFor(() => expect(secretsOf(callers)).toEqual([NEW, OLD]), SOON)
  expect(callers.receiver('a')?.url.host).toBe('other.example')
  write(newEntry('a', 'key-a', ['stats:read'], [1]))
  await vi.waitFor(() => expect(callers.receiver('a')).toBeUndefined(), SOON)
})

test('a secret file is watched: two secrets while they rotate, and a broken file keeps the last good ones', async () => {
  const file = join(temporaryDirectory(), 'secret')
  writeFileSync(file, `${OLD}\n`)
  const { callers, log, write } = openFile(withWebhook({ url: URL_TEXT, secret_file: file }))
  expect(secretsOf(callers)).toEqual([OLD])
  writeFileSync(file, `${NEW}\n${OLD}\n`)
  await vi.waitFor(() => expect(secretsOf(callers)).toEqual([NEW, OLD]), SOON)
  expect(log.info).toEqual([{ caller: 'a' }])
  const stays = 'the old secret stays in use'
  for (const [content, reason] of [
    [
      'canary',
      `the file must hold whsec_ followed by base64, as in whsec_$(openssl rand -base64 32), or two of these on lines of their own; ${stays}`,
    ],
    [null, `the file cannot be read (ENOENT): there is no such file; ${stays}`],
  ] as const) {
    if (content === null) rmSync(file)
    else writeFileSync(file, content)
    await vi.waitFor(() => expect(log.error.at(-1)).toEqual({ caller: 'a', reason }), SOON)
    expect(secretsOf(callers)).toEqual([NEW, OLD])
  }
  // Also when the callers file is read again meanwhile.
  write(withWebhook({ url: 'https://other.example/', secret_file: file }))
  await vi.waitFor(() => expect(callers.receiver('a')?.url.host).toBe('other.example'), SOON)
  expect(secretsOf(callers)).toEqual([NEW, OLD])
  writeFileSync(file, NEW)
  await vi.waitFor(() => expect(secretsOf(callers)).toEqual([NEW]), SOON)
  expect(JSON.stringify(log)).not.toMatch(/canary|whsec_[A-Z]/)
  // Another file, or none, takes its place.
  write(withWebhook({ url: URL_TEXT, secret: OLD }))
  await vi.waitFor(() => expect(secretsOf(callers)).toEqual([OLD]), SOON)
  writeFileSync(file, OLD)
  write(withWebhook({ url: URL_TEXT, secret_file: file }))
  await vi.waitFor(() => expect(log.info.filter(it => 'callers' in it)).toHaveLength(3), SOON)
  expect(secretsOf(callers)).toEqual([OLD])
  callers.close()
  expect(callers.receiver('a')).toBeUndefined()
})

test('a secret file that is not there: at the start it is a fault, later the receiver waits for it', async () => {
  const file = join(temporaryDirectory(), 'canary')
  const entry = withWebhook({ url: URL_TEXT, secret_file: file })
  expect(() => openFile(entry)).toThrow(
    /:14:9: caller "a": secret_file: the file cannot be read \(ENOENT\): there is no such file$/,
  )
  const { callers, write, log } = openFile()
  write(entry, newEntry('b', 'key-b', ['stats:read'], [1]))
  await vi.waitFor(() => expect(log.error).toHaveLength(1), SOON)
  expect(log.error).toEqual([
    {
      caller: 'a',
      reason: 'the file cannot be read (ENOENT): there is no such file; nothing can be sent to its receiver',
    },
  ])
  // All else in the file counts.
  expect([callers.count(), secretsOf(callers)]).toEqual([2, []])
  writeFileSync(file, NEW)
  await vi.waitFor(() => expect(secretsOf(callers)).toEqual([NEW]), SOON)
})

test('many secret files are together looked at 200 times a second at most, and a change of one still counts', async () => {
  const directory = temporaryDirectory()
  const file = (i: number): string => join(directory, `secret-${i}`)
  const entries = Array.from({ length: 2_000 }, (_, i) => {
    writeFileSync(file(i), OLD)
    return withWebhook({ url: URL_TEXT, secret_file: file(i) }, `caller-${i}`)
  })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { callers } = openFile(...entries)
  const delays = timers.mock.calls.map(([, delayMs]) => delayMs ?? 0)
  timers.mockRestore()
  expect(callers.receiverNames().length).toBe(2_000)
  const perSecond = Array.from(
    { length: 11 },
    (_, s) => delays.filter(ms => Math.floor(ms / 1_000) === s).length,
  )
  expect([delays.length, Math.max(...delays) <= 10_000, Math.max(...perSecond) <= 201]).toEqual([
    2_001,
    true,
    true,
  ])
  writeFileSync(file(0), NEW)
  await vi.waitFor(() => expect(secretsOf(callers, 'caller-0')).toEqual([NEW]), SOON)
})
