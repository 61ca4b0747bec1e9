/** The package's command, as it runs in a clone. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runScript } from '../programs.ts'

interface Run {
  code: unknown
  stdout: string
  stderr: string
}

async function command(...args: string[]): Promise<Run> {
  const { ended, stdout, stderr } = runScript('bin/hostkey-vm-gateway.mjs', { args })
  return { code: await ended, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
}

const COMMANDS = ['start', 'demo', 'key', 'check', 'backup']

test('help names every command; it goes to stdout and is no error', async () => {
  const [help, ...others] = await Promise.all([
    command('help'),
    command('--help'),
    command('-h'),
    command('help', '--help'),
  ])
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const name of COMMANDS)
    expect(help.stdout).toMatch(new RegExp(`^hostkey-vm-gateway \\[?${name}\\b`, 'm'))
  for (const other of others) expect(other).toEqual(help)
})

test.each(COMMANDS)('%s has a help of its own, asked for in any way', async name => {
  const [one, ...others] = await Promise.all([
    command(name, '--help'),
    command(name, '-h'),
    command('help', name),
  ])
  expect(one).toMatchObject({ code: 0, stderr: '' })
  expect(one.stdout).toMatch(new RegExp(`^hostkey-vm-gateway ${name}\\b.*\\n {2}\\w`))
  for (const other of others) expect(other).toEqual(one)
})

test.each([
  [['dmeo'], 'unknown command dmeo; did you mean demo?'],
  [['constructor'], 'unknown command constructor'],
  [['help', 'keys'], 'unknown command keys; did you mean key?'],
  [['--verison'], 'unknown option --verison; did you mean --version?'],
  [['start', '--port', '1'], 'unknown option --port'],
  [['start', 'now'], 'unexpected argument "now"'],
  [['demo', '-x'], 'unknown option -x'],
  [['key', '--vm', '1'], 'unknown option --vm; did you mean --vms?'],
  [['key', '--scope', 'stats:read', '--vms', '1'], '--name is missing'],
  [['--version', 'now'], 'unexpected argument "now" after --version'],
  [['help', 'key', 'now'], 'unexpected argument "now" after help key'],
  [
    ['key', '--name', 'a b', '--scope', 'stats:read', '--vms', '1'],
    '--name must be 1 to 64 of the characters',
  ],
  [['key', '--name', 'a', '--scope', 'stats:red', '--vms', '1'], '--scope must be one of snapshots:read'],
  [['key', '--name', 'a', '--scope', 'stats:read', '--vms', 'x'], '--vms must be the id of a VM'],
  [['key', '--rotate', 'a', '--overlap', '1h', '--name', 'b'], '--name does not go with --rotate'],
  [['key', '--overlap', '1h'], '--overlap needs --rotate'],
  [['key', '--rotate', '', '--overlap', '1h'], '--rotate is missing'],
  [['backup'], 'FILE is missing'],
  [['backup', ''], 'FILE is missing'],
  [['backup', 'one', 'two'], 'unexpected argument "two"'],
  [['key', '--name'], "Option '--name <value>' argument missing"],
])('what is not understood is named: %s', async (args, line) => {
  const { code, stdout, stderr } = await command(...args)
  expect([code, stdout, stderr.split('\n')[0]]).toEqual([64, '', expect.stringContaining(line)])
  expect(stderr).toContain('\n\nhostkey-vm-gateway')
  expect(stderr).not.toMatch(/^\s+at /m)
})

test('--version tells the version, and no word starts the gateway', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(await command('--version')).toEqual({ code: 0, stdout: version, stderr: '' })
  for (const args of [[], ['start']])
    expect(await command(...args)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('HOSTKEY_TOKEN') as string,
    })
})
