/** `check` tells everything that is wrong with a configuration at once, without starting the gateway or disturbing one that runs. */

import { existsSync, statSync } from 'node:fs'
import { linesOf, ofWebhooks, readEntries, repeatedMembers, vmsOf, withoutMark } from '../callers/entries.ts'
import { CallersFileError, parseCallers, readCallersFile, secretFileFaults } from '../callers/file.ts'
import { secretsOf } from '../callers/webhook.ts'
import { environmentWith, readConfig, type Config, type Environment } from '../config/config.ts'
import { readEnvFile, type EnvFile } from '../config/env-file.ts'
import { readTextFile } from '../config/text-file.ts'
import { unreadSettings } from '../config/unread.ts'
import { checkStore } from '../store/check.ts'
import { askAccount } from '../upstream/account.ts'
import { faultOfAddress } from '../webhooks/receiver.ts'
import { readArguments, runCommand, type Command } from './command.ts'
import { realWorld } from '../world.ts'

/** `EX_CONFIG` of sysexits(3), as when the gateway is started with such a configuration. */
const EXIT_CONFIG = 78

/** What was found. Each line has its place in front, and none shows a value. */
class Findings {
  readonly errors: string[] = []
  readonly warnings: string[] = []

  error(...lines: readonly string[]): void {
    this.errors.push(...lines)
  }

  warn(...lines: readonly string[]): void {
    this.warnings.push(...lines)
  }
}

async function run(args: readonly string[]): Promise<void> {
  const { values } = readArguments(args, { online: { type: 'boolean' } })
  const found = new Findings()
  const file = readEnvFile()
  const env = environmentWith(file)
  const { config, problems, names } = readConfig(env)
  // What is missing may well stand in the file that nobody can read.
  const known = problems.filter(problem => !(file.isUnreadable && / is required/.test(problem)))
  found.error(...file.faults, ...known.map(problem => `${placeOf(problem, file, env)}: ${problem}`))
  found.warn(...file.warnings, ...unreadSettings(env, file, names))
  const isGood = (variable: RegExp): boolean => !problems.some(problem => variable.test(problem))
  checkRights(found, file.path, file.lines.size > 0 && holdsSecrets(file))
  const hasSecret = isGood(/HOSTKEY_(TOKEN|API_KEY)/)
  if (hasSecret) checkSecret(found, config.upstream.credential)
  const listed = isGood(/CALLERS_FILE/) ? checkCallers(found, config) : new Map<string, number[]>()
  if (isGood(/STORE_URL/)) {
    const { faults, warnings } = await checkStore(config.storeUrl)
    found.error(...faults.map(fault => `STORE_URL: ${fault}`))
    found.warn(...warnings.map(warning => `STORE_URL: ${warning}`))
  }
  if (values.online && hasSecret && isGood(/HOSTKEY_BASE_URL/))
    await checkAccount(found, config.upstream, listed)
  tell(found)
}

function tell({ errors, warnings }: Findings): void {
  const lines = [
    ...errors.map(line => `error: ${line}`),
    ...warnings.map(line => `warning: ${line}`),
    `errors: ${errors.length}, warnings: ${warnings.length}`,
  ]
  process.stdout.write(`${lines.map(line => line.replaceAll(/\s*\n\s*/g, ' ')).join('\n')}\n`)
  process.exitCode = errors.length > 0 ? EXIT_CONFIG : 0
}

/** Where the variable stands that a problem begins with. */
function placeOf(problem: string, { path, lines, values }: EnvFile, env: Environment): string {
  const [name = ''] = /[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|^[A-Z]+/.exec(problem) ?? []
  const line = lines.get(name)
  return line !== undefined && env[name] === values[name] ? `${path}:${line}` : 'environment'
}

function holdsSecrets({ values }: EnvFile): boolean {
  return ['HOSTKEY_TOKEN', 'HOSTKEY_API_KEY', 'STORE_URL'].some(name => Boolean(values[name]))
}

/** A file with a secret is for the gateway's user alone. */
function checkRights(found: Findings, path: string, isSecret: boolean): void {
  const mode = isSecret ? (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) : 0
  if (mode & 0o007) found.warn(`${path}: everybody on this machine may read this file; chmod 600 it`)
}

function checkSecret(found: Findings, credential: Config['upstream']['credential']): void {
  const name = credential.kind === 'token' ? 'HOSTKEY_TOKEN' : 'HOSTKEY_API_KEY'
  const secret = secretOf(credential)
  const place = 'file' in credential ? `${name}_FILE ${credential.file}` : name
  if ('file' in credential) checkRights(found, credential.file, true)
  else if (existsSync(secret))
    found.warn(`${place}: is the name of a file that is there; ${name}_FILE reads the secret from it`)
  if (/\s/.test(secret))
    found.error(`${place}: has a blank or a line break within; it must be the secret alone`)
  if (secret.startsWith('hkgw_'))
    found.error(
      `${place}: has the key of a caller of this gateway; it must be the secret of HOSTKEY's account`,
    )
}

function secretOf(credential: Config['upstream']['credential']): string {
  return ('file' in credential ? readTextFile(credential.file) : credential.value).trim()
}

/** Returns the VMs of each caller that has a list of them. */
function checkCallers(found: Findings, { callersFile: path, webhookAllow }: Config): Map<string, number[]> {
  try {
    const text = readCallersFile(path)
    const { warnings } = parseCallers(text, path)
    const json = withoutMark(text)
    found.warn(...warnings, ...linesOf(repeatedMembers(json), json, path))
    if (statSync(path).mode & 0o002)
      found.warn(
        `${path}: everybody on this machine may write this file, and so let himself in; chmod 644 it`,
      )
    checkWebhooks(found, { json, path, allow: webhookAllow })
    return vmsOf(json)
  } catch (error) {
    if (!(error instanceof CallersFileError)) throw error
    found.error(...error.lines)
    return new Map()
  }
}

/** Checks the webhooks of a callers file in which nothing else is wrong. */
function checkWebhooks(
  found: Findings,
  { json, path, allow }: { json: string; path: string; allow: readonly string[] },
): void {
  const { entries } = readEntries(json)
  const refused = ofWebhooks(entries, ({ url }, pointer) => {
    const fault = faultOfAddress(url, allow)
    return fault === undefined ? [] : [{ pointer: `${pointer}/url`, message: `url ${fault}` }]
  })
  found.error(...secretFileFaults(json, path), ...linesOf(refused, json, path))
  const webhooks = entries.flatMap(({ webhook }) => webhook ?? [])
  checkRights(
    found,
    path,
    webhooks.some(webhook => secretsOf(webhook).length > 0),
  )
  for (const { secret_file: file } of webhooks) if (file !== undefined) checkRights(found, file, true)
}

/** Logs in to HOSTKEY once, and tells which VMs of callers the account does not have. */
async function checkAccount(
  found: Findings,
  upstream: Config['upstream'],
  listed: ReadonlyMap<string, readonly number[]>,
): Promise<void> {
  const place = `HOSTKEY at ${upstream.baseUrl}`
  if (upstream.credential.kind === 'token')
    return found.warn(`${place}: HOSTKEY_TOKEN is a fixed token, so there is no login that could be tried`)
  const account = await askAccount({ ...upstream, world: realWorld }, secretOf(upstream.credential))
  if (account.kind === 'refused') return found.error(`${place}: refused the login: ${account.message}`)
  if (account.kind === 'unreachable')
    return found.error(
      `${place}: the login failed: ${account.reason}; look at HOSTKEY_BASE_URL, and try its name, route and TLS from this machine`,
    )
  if (account.vmIds === null) return found.warn(`${place}: the login went well, and told no list of VMs`)
  const owned = new Set(account.vmIds)
  for (const [caller, vms] of listed) {
    const lacking = vms.filter(vm => !owned.has(vm))
    if (lacking.length > 0)
      found.warn(`${place}: the account has no VM ${lacking.join(', ')}, which caller "${caller}" may touch`)
  }
}

export const check: Command = {
  name: 'check',
  synopsis: '[--online]',
  does: 'tells all that is wrong with the settings, the callers, the secrets, the webhooks and the store',
  details: `  --online  logs in to HOSTKEY once, too, and tells which VMs of callers the account lacks

It starts nothing, and may be used while a gateway runs. Exit code 0 when there is no error, 78 when there is one.`,
  run,
}

if (import.meta.main) await runCommand(check, process.argv.slice(2))
