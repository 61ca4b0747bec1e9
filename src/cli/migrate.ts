/** `npm run migrate` moves the operations of a SQLite file to PostgreSQL, while no gateway works on either. */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MoveFailed, moveStore } from '../store/move.ts'

const USAGE = `npm run migrate -- --from sqlite:FILE --to postgres://USER:PASSWORD@HOST/DATABASE

  --from     the store as it is, in a file; it stays as it is
  --to       the store as it shall be; its operations are those of the file or none
  --to-file  a file that holds this URL, so that nobody sees its password in the list of processes

Stop the gateway first. Whatever breaks it off: run it again.`

function refuseArguments(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`)
  process.exit(64)
}

function readArguments(): { from: string; to: string } {
  const option = { type: 'string' } as const
  const { values } = parseArgs({
    options: { from: option, to: option, 'to-file': option, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(0)
  }
  const { from = '', 'to-file': file } = values
  const to = values.to ?? (file === undefined ? '' : readFileSync(file, 'utf8').trim())
  if (!/^sqlite:./.test(from)) refuseArguments('--from must be sqlite:<path of the file>')
  if (!/^postgres(ql)?:/.test(to)) refuseArguments('--to must be postgres://…')
  return { from, to }
}

async function main(): Promise<void> {
  const { from, to } = readArguments()
  const { operations, keys, before } = await moveStore(from, to, (done, all) =>
    process.stderr.write(`${done} of ${all} operations\n`),
  )
  process.stdout.write(
    `${operations} operations and ${keys} idempotency keys are in PostgreSQL as they are in the file (${before} were before)\n`,
  )
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(error instanceof MoveFailed ? 1 : 64)
  }
}
