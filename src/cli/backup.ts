/** `backup` copies the SQLite store to a file while the gateway runs. */

import { environmentWith, readConfig } from '../config/config.ts'
import { readEnvFile } from '../config/env-file.ts'
import { backupStore } from '../store/backup.ts'
import { fail, readArguments, runCommand, UsageError, type Command } from './command.ts'

async function run(args: readonly string[]): Promise<void> {
  const [file] = readArguments(args, {}, 1).positionals
  if (!file) throw new UsageError('FILE is missing')
  const { config, problems } = readConfig(environmentWith(readEnvFile()))
  // Else it would be the store that is there without a setting.
  const faults = problems.filter(problem => problem.startsWith('STORE_URL'))
  if (faults.length > 0) fail(faults, 1)
  try {
    const operations = await backupStore(config.storeUrl, file)
    process.stdout.write(`${file}: a copy of the store with ${operations} operations\n`)
  } catch (error) {
    fail([(error as Error).message], 1)
  }
}

export const backup: Command = {
  name: 'backup',
  synopsis: 'FILE',
  does: 'copies the SQLite store to a new file, also while the gateway runs',
  details: `  FILE  where the copy goes; it must not be there yet

It runs as the user of the gateway. The copy holds callback keys of HOSTKEY: only its owner can read it.`,
  run,
}

if (import.meta.main) await runCommand(backup, process.argv.slice(2))
