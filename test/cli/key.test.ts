import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import type { CallerEntry } from '../../src/callers/file.ts'
import { startWorld } from '../helper.ts'
import { runScript } from '../programs.ts'

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 40_000 })

interface Run {
  code: number | NodeJS.Signals
  stdout: string
  stderr: string
}

async function run(...args: string[]): Promise<Run> {
  const { ended, stdout, stderr } = runScript('src/cli/key.ts', { args })
  return { code: await ended, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
}

/** Makes a key and takes what was printed apart. */
async function newCaller(
  ...args: string[]
): Promise<{ key: string; entry: CallerEntry & { key_sha256: string } }> {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const key = /^key .*: (hkgw_[\w-]{43})$/m.exec(stdout)?.[1] ?? ''
  expect(stdout.split(key)).toHaveLength(2)
  return { key, entry: JSON.parse(stdout.slice(stdout.indexOf('{'))) as CallerEntry & { key_sha256: string } }
}

test('npm run key runs this script', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { key: string } }
  expect(scripts.key).toMatch(/ src\/cli\/key\.ts$/)
})

test('a new key opens what its entry says', async () => {
  const [{ key, entry }, other] = await Promise.all([
    newCaller(
      '--name',
      'nightly',
      '--scope',
      'snapshots:read,stats:read',
      '--scope',
      'snapshots:create',
      '--vms',
      '1000,1001',
    ),
    newCaller('--name', 'admin', '--scope', SCOPES.join(', '), '--vms', '*'),
  ])
  expect(entry).toEqual({
    name: 'nightly',
    key_sha256: createHash('sha256').update(key).digest('hex'),
    scopes: ['snapshots:read', 'stats:read', 'snapshots:create'],
    vms: [1000, 1001],
  })
  expect(other.entry).toMatchObject({ scopes: SCOPES, vms: '*' })
  expect(other.key).not.toBe(key)

  const world = await startWorld({ callers: [entry, other.entry] })
  const statusOf = async (method: string, path: string, as: string): Promise<number> =>
    (await world.call(method, path, { key: as })).status
  expect(await statusOf('GET', '/vms/1000/stats', key)).toBe(200)
  expect(await statusOf('GET', '/vms/1004/stats', key)).toBe(403)
  expect(await statusOf('DELETE', '/vms/1000/snapshots/first', key)).toBe(403)
  expect(await statusOf('GET', '/vms/1004/stats', other.key)).toBe(200)
  expect(await statusOf('GET', '/vms/1000/stats', entry.key_sha256)).toBe(401)
})

const GOOD = { '--name': 'nightly', '--scope': 'stats:read', '--vms': '1000' }

const WRONG: Record<string, Partial<typeof GOOD>> = {
  'no name': { '--name': '' },
  'a name with a space': { '--name': 'the nightly' },
  'one unknown scope of two': { '--scope': 'stats:read,stats' },
  'a VM that is no number': { '--vms': 'web-1' },
  'a VM out of range': { '--vms': '0' },
  'a VM in another notation': { '--vms': '1e3' },
  'a hole in the list': { '--vms': '1000,,1001' },
}

test('what would not do in a callers file is refused with the usage', async () => {
  const refusal = async ([what, wrong]: [string, object]): Promise<void> => {
    const options = Object.entries({ ...GOOD, ...wrong }).filter(([, value]) => value !== '')
    const { code, stdout, stderr } = await run(...options.flat())
    expect({ what, code, stdout }).toEqual({ what, code: 64, stdout: '' })
    expect(stderr).toContain('npm run key -- --name NAME')
    expect(stderr).not.toMatch(/^\s+at /m)
  }
  await Promise.all(Object.entries(WRONG).map(refusal))
})

test('an unknown option is refused; --help is not an error', async () => {
  expect(await run(...Object.entries(GOOD).flat(), '--admin')).toMatchObject({ code: 64, stdout: '' })
  expect(await run('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--scope') as string,
    stderr: '',
  })
})
