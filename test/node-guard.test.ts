import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './helper.ts'
import { findOldNode, runProgram, runScript, tellSkipped } from './programs.ts'

const GUARD = new URL('../scripts/node-guard.mjs', import.meta.url).href

const old = findOldNode()
const none = !old && tellSkipped('the guard under an old Node: there is none on the PATH')

test.skipIf(none)('an old Node is told what is missing, before it meets a TypeScript file', async () => {
  const { node, version } = old!
  const { ended, stdout, stderr } = runProgram(node, {
    args: ['--import', GUARD, '-e', 'console.log("ran")'],
  })
  expect(await ended).toBe(1)
  expect(stdout).toEqual([])
  expect(stderr).toEqual([
    expect.stringMatching(new RegExp(`Node 24\\.15 or newer, this is Node ${version}\\b.*npm ci`)) as string,
  ])
})

test('the Node of the project passes', async () => {
  const { ended, stderr } = runScript('scripts/node-guard.mjs')
  expect([await ended, ...stderr]).toEqual([0])
})

test('every npm script that runs Node runs the guard first', () => {
  const { scripts, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>
    engines: { node: string }
  }
  const unguarded = Object.entries(scripts).filter(([, line]) =>
    /(^|&& )node (?!--import \.\/scripts\/node-guard\.mjs )/.test(line),
  )
  expect(unguarded).toEqual([])
  expect(engines.node).toBe('>=24.15')
})

const brought = resolve(`node_modules/node-linux-${process.arch}/bin/node`)
const notBrought = !existsSync(brought) && tellSkipped('npm has brought no Node')

test.skipIf(notBrought)(
  'the Node that npm brought gives way to the one of the machine, where that one will do',
  async () => {
    const machine = join(temporaryDirectory(), 'node')
    copyFileSync(brought, machine)
    const runs = async (version: string, node: string): Promise<unknown> => {
      const { ended, stdout, stderr } = runProgram(brought, {
        args: ['--import', GUARD, '-e', 'console.log(process.execPath, process.argv[1])', 'argument'],
        env: { npm_node_execpath: node, npm_config_user_agent: `npm/11.0.0 node/v${version} linux x64` },
      })
      return [await ended, ...stdout, ...stderr]
    }
    expect(await runs('24.15.0', machine)).toEqual([0, `${machine} argument`])
    expect(await runs('26.0.0', machine)).toEqual([0, `${machine} argument`])
    expect(await runs('24.14.9', machine)).toEqual([0, `${brought} argument`])
    expect(await runs('20.19.0', '/usr/bin/none')).toEqual([0, `${brought} argument`])
    expect(await runs('24.21.0', brought)).toEqual([0, `${brought} argument`])
  },
)
