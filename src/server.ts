/** The gateway as a process: configuration, start, signals, exit codes. */

import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { fail, readArguments, runCommand, type Command } from './cli/command.ts'
import { environmentWith, readConfig, type Config } from './config/config.ts'
import { readEnvFile } from './config/env-file.ts'
import { unreadSettings } from './config/unread.ts'
import { VERSION } from './config/version.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { createLogger } from './observability/log.ts'
import { StoreUnavailable } from './operations/store.ts'
import { storeKind } from './store/check.ts'

/** `EX_CONFIG` of sysexits(3): what is configured is wrong, and starting again will not help. */
const EXIT_CONFIG = 78
/** The port is taken, or the database is away: starting again may help. */
const EXIT_FAILURE = 1
/** npm and systemd both pass a signal on, so one that comes twice within this time was sent once. */
const SAME_SIGNAL_MS = 1_000
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

async function run(args: readonly string[]): Promise<void> {
  readArguments(args, {})
  // What the environment says already wins over the file.
  const file = readEnvFile()
  const env = environmentWith(file)
  const { config, problems, names } = readConfig(env)
  // What else is missing may well stand in the file that nobody can read.
  const faults = file.isUnreadable ? file.faults : [...file.faults, ...problems]
  if (faults.length > 0) fail(faults, EXIT_CONFIG)
  const log = createLogger(config.logLevel)
  for (const reason of [...file.warnings, ...unreadSettings(env, file, names)])
    log.warn({ reason }, 'a setting has no effect')
  const gateway = await startGateway(config, log).catch((error: Error) => refuse(config, error))
  // Before the line: whoever reads it may send a signal at once.
  stopOnSignals(config, log, gateway)
  log.info(portrait(config, gateway), 'listening')
}

/** What an operator wants to know of a gateway that has started. */
function portrait(config: Config, gateway: Gateway): object {
  return {
    address: gateway.address,
    docs: config.docs ? `${gateway.address}${config.basePath}/docs` : null,
    version: VERSION,
    store: storeKind(config.storeUrl),
    hostkey: config.upstream.baseUrl,
    credential: config.upstream.credential.kind,
    callers: gateway.countCallers(),
    tokens: config.jwt?.issuer ?? null,
    webhooks: gateway.countReceivers(),
  }
}

/** What to do when it cannot listen. */
const LISTEN_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: ': another program has this port; end it, or choose another PORT',
  EACCES: ': this user may not have a port below 1024; choose a higher PORT',
  EADDRNOTAVAIL: ': HOST must be an address of this machine, or 0.0.0.0 for all of them',
  ENOTFOUND: ': HOST must be an address of this machine, or 0.0.0.0 for all of them',
}

/** Ends the process with one line that says why it cannot start. */
function refuse({ host, port }: Config, error: NodeJS.ErrnoException): never {
  if (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
    fail([`cannot listen on ${host}:${port}: ${error.code}${LISTEN_WORDS[error.code!] ?? ''}`], EXIT_FAILURE)
  fail(
    (error.message || String(error.code)).split('\n'),
    error instanceof StoreUnavailable ? EXIT_FAILURE : EXIT_CONFIG,
  )
}

function stopOnSignals(config: Config, log: Logger, gateway: Gateway): void {
  let first: { signal: NodeJS.Signals; atMs: number } | undefined
  const stopping = closeWithGrace(
    { delay: config.shutdownMs || false, logger: false, skip: [...SIGNALS] },
    async ({ err }) => {
      if (err) log.fatal({ err }, 'stopped by an error')
      // Ctrl-C is a person who waits; SIGTERM is an orchestrator that first has to send callers elsewhere.
      await gateway.close({ drainMs: first?.signal === 'SIGTERM' ? config.shutdownMs / 4 : 0 })
      log.info({}, 'closed')
      await new Promise(resolve => log.flush(resolve))
    },
  )
  const stop = (signal: NodeJS.Signals): void => {
    if (!first) {
      first = { signal, atMs: performance.now() }
      log.info({ signal }, 'shutting down')
      stopping.close()
    } else if (signal !== first.signal || performance.now() - first.atMs > SAME_SIGNAL_MS) {
      log.warn({ signal }, 'a second signal ends it at once')
      process.exit(EXIT_FAILURE)
    }
  }
  for (const signal of SIGNALS) process.on(signal, stop)
}

export const start: Command = {
  name: 'start',
  synopsis: '',
  does: 'starts the gateway; its settings are in the environment or in .env',
  details: '',
  run,
}

if (import.meta.main) await runCommand(start, process.argv.slice(2))
