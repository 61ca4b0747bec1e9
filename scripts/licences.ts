/**
 * `npm run -s licences`: the licence of every production package, a line each; exits with 1 when one has none, or one that
 * is not known here to be permissive. It reads package-lock.json (or the file that is given), which has the packages of
 * all platforms, and not only those that are installed here.
 */

import { readFileSync } from 'node:fs'

/** Each lets anyone use, change and pass on the code under terms of their own, as long as notices are kept. */
const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'BSD-3-Clause',
  // With a grant of patents, which ends for who sues over them. Its notices are in the packages, which an image keeps.
  'Apache-2.0',
  // Says in plain words what MIT says, and grants patents; of glob and what it needs, below @fastify/static.
  'BlueOak-1.0.0',
  // Gives the code to the public, without a condition; of fast-sha256, below standardwebhooks.
  'Unlicense',
])

interface Lock {
  packages: Record<string, { name?: string; version?: string; license?: string; dev?: boolean }>
}

const { packages } = JSON.parse(readFileSync(process.argv[2] ?? 'package-lock.json', 'utf8')) as Lock
const lines: string[] = []
const refused: string[] = []
for (const [path, { name, version, license, dev }] of Object.entries(packages)) {
  // The first is this project. What both production and development use is not marked as `dev`.
  if (path === '' || dev) continue
  const line = `${name ?? path.replace(/^.*node_modules\//, '')}@${version} ${license ?? '(no licence)'}`
  lines.push(line)
  if (!license || !PERMISSIVE.has(license)) refused.push(line)
}
// A package can be there twice, at one version, for two others.
process.stdout.write(`${[...new Set(lines)].toSorted().join('\n')}\n`)
if (refused.length > 0) {
  process.stderr.write(`not known to be permissive (see scripts/licences.ts):\n${refused.join('\n')}\n`)
  process.exitCode = 1
}
