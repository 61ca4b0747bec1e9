#!/usr/bin/env node
// The command of the npm package: the gateway, or one of the programs named here. It runs the bundle in `dist/`, which is in
// every package (see scripts/build.ts); in a clone there are npm scripts of these names.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

await import('../scripts/node-guard.mjs')

const PROGRAMS = new Map([
  ['', 'server'],
  ['demo', 'demo'],
  ['key', 'key'],
  ['migrate', 'migrate'],
])
const USAGE = `hostkey-vm-gateway           the gateway; its settings are in the environment or in .env
hostkey-vm-gateway demo      the gateway over a simulated HOSTKEY
hostkey-vm-gateway key …     a new caller's key and its entry; key --help tells more
hostkey-vm-gateway migrate … moves a SQLite file's operations to PostgreSQL; migrate --help tells more
`

const [word = ''] = process.argv.slice(2)
const program = PROGRAMS.get(word)
if (!program) {
  const asked = word === '--help' || word === '-h'
  ;(asked ? process.stdout : process.stderr).write(USAGE)
  process.exit(asked ? 0 : 64)
}
// As if Node had been started with it: it is the main module, and its arguments are what is left.
process.argv.splice(1, 2, fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url)))
module.runMain()
