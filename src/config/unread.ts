/** Settings that have no effect, because nobody reads a variable of that name: mostly a known one, misspelt. */

import type { EnvFile } from './env-file.ts'
import { didYouMean, nearest } from './nearest.ts'
import type { Environment } from './reader.ts'

/** Whatever begins with one of these words is meant for the gateway. */
const OURS = /^(HOSTKEY|CALLERS?|JWT|CORS|STORE|CHECK|OPERATIONS?|RATE_LIMIT|WEBHOOKS?|SHUTDOWN)(_|$)/
/** Read by OpenTelemetry's SDK or by Node, and not by us. */
const OTHERS = /^(OTEL_\w+|TZ|NODE_ENV)$/
/** Kubernetes sets these in every container for each Service, and one may well be named like the gateway. */
const OF_KUBERNETES = /_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))|_PORT$/

/**
 * Returns a line for each variable that nobody reads: those of the `.env` file, and those of the environment that are named
 * like ours. It shows no value.
 * @param names the names of all variables that are read
 */
export function unreadSettings(env: Environment, file: EnvFile, names: ReadonlySet<string>): string[] {
  const lines: string[] = []
  const tell = (place: string, name: string): unknown =>
    lines.push(`${place}: nobody reads ${name}${didYouMean(name, names)}`)
  for (const [name, line] of file.lines)
    if (!names.has(name) && !OTHERS.test(name)) tell(`${file.path}:${line}`, name)
  for (const name of Object.keys(env))
    if (!names.has(name) && !file.lines.has(name) && isMeantForUs(name, names)) tell('environment', name)
  return lines
}

function isMeantForUs(name: string, names: ReadonlySet<string>): boolean {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name) || OTHERS.test(name) || OF_KUBERNETES.test(name)) return false
  // Short names are near to much that is of no concern here, as HOME is to HOST.
  return (
    OURS.test(name) ||
    nearest(
      name,
      [...names].filter(one => one.includes('_')),
    ) !== undefined
  )
}
