/** The gateway as a process: configuration, start, signals, exit codes. */

import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { ConfigError, loadConfig, type Config } from './config/config.ts'
import { startGateway } from './gateway.ts'
import { createLogger } from './observability/log.ts'

/** `EX_CONFIG` of sysexits(3): what is configured is wrong, and starting again will not help. */
const EXIT_CONFIG = 78

function fail(lines: readonly string[], exitCode: number): never {
  for (const line of lines) process.stderr.write(`${line}\n`)
  process.exit(exitCode)
}

function configured(): Config {
  try {
    return loadConfig()
  } catch (error) {
    if (error instanceof ConfigError) fail(error.problems, EXIT_CONFIG)
    throw error
  }
}

// What the environment says already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env')
const config = configured()
const log = createLogger(config.logLevel)

try {
  const gateway = await startGateway(config, log)
  log.info(
    { address: gateway.address, docs: config.docs ? `${gateway.address}${config.basePath}/docs` : null },
    'listening',
  )
  closeWithGrace({ delay: config.shutdownMs || false, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'stopped by an error')
    else log.info({ signal }, 'shutting down')
    // Ctrl-C is a person who waits; SIGTERM is an orchestrator that first has to send callers elsewhere.
    await gateway.close({ drainMs: signal === 'SIGTERM' ? config.shutdownMs / 4 : 0 })
    log.info({}, 'closed')
    await new Promise(resolve => log.flush(resolve))
  })
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL')
    fail([`cannot listen on ${config.host}:${config.port}: ${code}`], 1)
  fail([message], EXIT_CONFIG)
}
