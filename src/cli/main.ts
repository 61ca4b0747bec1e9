/** The command of the npm package: the gateway, or one of the commands that are named here. */

import { didYouMean } from '../config/nearest.ts'
import { PACKAGE_COMMAND } from '../config/called-as.ts'
import { VERSION } from '../config/version.ts'
import { helpOf, refuse, runCommand, type Command } from './command.ts'

/** Each is loaded only when it is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('../server.ts')).start,
  demo: async () => (await import('./demo.ts')).demo,
  key: async () => (await import('./key.ts')).key,
  check: async () => (await import('./check.ts')).check,
  backup: async () => (await import('./backup.ts')).backup,
  migrate: async () => (await import('./migrate.ts')).migrate,
}

/** Runs the command that the arguments name; without any it starts the gateway. */
export async function main(args: readonly string[]): Promise<void> {
  const [word = 'start', ...rest] = args
  if (word === '--version' || word === '-v') return alone(word, rest, () => print(`${VERSION}\n`))
  if (HELP.has(word)) {
    const [about, ...more] = rest.filter(one => !HELP.has(one))
    return alone(`help ${about}`, more, () => help(about))
  }
  await runCommand(await commandOf(word), rest)
}

const HELP: ReadonlySet<string> = new Set(['help', '--help', '-h'])

/** What takes no more arguments. */
async function alone(call: string, more: readonly string[], work: () => Promise<void> | void): Promise<void> {
  if (more[0] !== undefined) refuse(`unexpected argument "${more[0]}" after ${call}`, await overview())
  await work()
}

async function help(word: string | undefined): Promise<void> {
  print(word === undefined ? await overview() : helpOf(await commandOf(word)))
}

async function commandOf(word: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, word)) return COMMANDS[word]!()
  const known = [...Object.keys(COMMANDS), 'help', '--help', '--version']
  const kind = word.startsWith('-') ? 'option' : 'command'
  return refuse(`unknown ${kind} ${word}${didYouMean(word, known)}`, await overview())
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map(load => load()))
  const lines = [
    ...commands.map(({ name, does }) => [name === 'start' ? '[start]' : name, does] as const),
    ['help [COMMAND]', 'tells what there is, or what a command takes'] as const,
    ['--version', 'tells the version'] as const,
  ]
  return lines.map(([call, does]) => `${PACKAGE_COMMAND} ${call.padEnd(16)} ${does}\n`).join('')
}

function print(text: string): void {
  process.stdout.write(text)
}
