import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
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
