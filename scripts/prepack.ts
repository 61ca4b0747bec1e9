/**
 * What `npm pack` runs first: makes `dist/` of `src/`. Node strips no types under node_modules, where a package is put, so
 * they are stripped here, by the same code of Node's. It leaves every statement at its line and column: what runs is what
 * was tested, and a stack trace from a package points into `src/`.
 */

import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'

const from = join(import.meta.dirname, '../src')
const to = join(import.meta.dirname, '../dist')

rmSync(to, { recursive: true, force: true })
for (const file of globSync('**/*.ts', { cwd: from })) {
  const code = stripTypeScriptTypes(readFileSync(join(from, file), 'utf8'))
  const target = join(to, file.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, code.replaceAll(/\b(from |import |import\()'(\.[^']+)\.ts'/g, "$1'$2.js'"))
}
