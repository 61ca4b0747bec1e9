/** `migrate` moves the operations of a SQLite file to PostgreSQL, while no gateway works on either. */

import { readTextFile } from '../config/text-file.ts'
import { moveStore } from '../store/move.ts'
import { fail, readArguments, runCommand, UsageError, type Command } from './command.ts'

const OPTIONS = { from: { type: 'string' }, to: { type: 'string' }, 'to-file': { type: 'string' } } as const

async function run(args: readonly string[]): Promise<void> {
  const { values } = readArguments(args, OPTIONS)
  const { from = '', 'to-file': file } = values
  if (!/^sqlite:./.test(from)) throw new UsageError('--from must be sqlite:<path of the file>')
  const to = values.to ?? (file === undefined ? '' : urlIn(file))
  if (!/^postgres(ql)?:/.test(to)) throw new UsageError('--to must be postgres://…')
  try {
    const { operations, keys, before } = await moveStore(from, to, (done, all) =>
      process.stderr.write(`${done} of ${all} operations\n`),
    )
    process.stdout.write(
      `${operations} operations and ${keys} idempotency keys are in PostgreSQL as they are in the file (${before} were before)\n`,
    )
  } catch (error) {
    fail([(error as Error).message], 1)
  }
}

function urlIn(file: string): string {
  try {
    return readTextFile(file).trim()
  } catch (error) {
    throw new UsageError(`--to-file ${(error as Error).message}`, { cause: error })
  }
}

export const migrate: Command = {
  name: 'migrate',
  synopsis: '--from sqlite:FILE --to postgres://USER:PASSWORD@HOST/DATABASE',
  does: 'moves the operations of a SQLite file to PostgreSQL',
  details: `  --from     the store as it is, in a file; it stays as it is
  --to       the store as it shall be; its operations are those of the file or none
  --to-file  a file that holds this URL, so that nobody sees its password in the list of processes

Stop the gateway first. Whatever breaks it off: run it again.`,
  run,
}

if (import.meta.main) await runCommand(migrate, process.argv.slice(2))
