/** What the commands have in common: their help, the reading of their arguments, and what is said when these make no sense. */

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { calledAs } from '../config/called-as.ts'
import { didYouMean } from '../config/nearest.ts'

/** `EX_USAGE` of sysexits(3): the command was called with something that it does not know. */
const EXIT_USAGE = 64

export interface Command {
  readonly name: string
  /** What stands behind the name in the help: `FILE`, `--name NAME …`. */
  readonly synopsis: string
  /** What it does, in a line that begins with a verb. */
  readonly does: string
  /** A line for each option and argument, and what else is worth knowing. */
  readonly details: string
  /** @throws UsageError when it does not know what is meant. */
  run(args: readonly string[]): Promise<void> | void
}

/** Somebody called a command with something that it does not know. The message names it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function helpOf({ name, synopsis, does, details }: Command): string {
  const call = `${calledAs(name)} ${synopsis}`.trim()
  return `${call}\n  ${does}\n${details === '' ? '' : `\n${details}\n`}`
}

/** Runs a command. Its help goes to stdout; what was not understood is named on stderr, with exit code 64. */
export async function runCommand(command: Command, args: readonly string[]): Promise<void> {
  if (args.some(arg => arg === '--help' || arg === '-h')) {
    process.stdout.write(helpOf(command))
    return
  }
  try {
    await command.run(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    refuse(error.message, helpOf(command))
  }
}

/** Ends the process because of how it was called. */
export function refuse(message: string, help: string): never {
  process.stderr.write(`${message}\n\n${help}`)
  process.exit(EXIT_USAGE)
}

/** Ends the process with these lines on stderr. */
export function fail(lines: readonly string[], exitCode: number): never {
  for (const line of lines) process.stderr.write(`${line.replaceAll(/\s*\n\s*/g, ' ')}\n`)
  process.exit(exitCode)
}

/**
 * Reads the arguments of a command: its options, and up to `most` others.
 * @throws UsageError that names what is not known, with the nearest known option.
 */
export function readArguments<const T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  most = 0,
): ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>> {
  const loose = parseArgs({ args: [...args], options, strict: false, tokens: true })
  for (const token of loose.tokens) {
    if (token.kind !== 'option' || token.name in options) continue
    const known = Object.keys(options).map(name => `--${name}`)
    throw new UsageError(`unknown option ${token.rawName}${didYouMean(token.rawName, known)}`)
  }
  const extra = loose.positionals[most]
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`)
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    // The first sentence says what is wrong, and the rest of it how Node would like to have it.
    throw new UsageError((error as Error).message.split('. ')[0], { cause: error })
  }
}
