#!/usr/bin/env node
// The command of the npm package. A package runs the bundle in `dist/` (see scripts/build.ts), a clone its sources.
import { existsSync } from 'node:fs'

await import('../scripts/node-guard.mjs')

const sources = new URL('../src/cli/main.ts', import.meta.url)
const { main } = await import(existsSync(sources) ? sources : new URL('../dist/main.js', import.meta.url))
await main(process.argv.slice(2))
