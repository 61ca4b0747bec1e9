/** Reads the files of an operator: settings, secrets, callers. What can be no such file is told in plain words. */

import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

/** A file that cannot be used. The message goes on after the name of the file: `is a directory, and must be a file`. */
export class TextFileError extends Error {
  override readonly name = 'TextFileError'
  /** As the system calls it, or '' where the content is the reason. */
  readonly code: string

  constructor(message: string, code = '', options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Twenty thousand callers need 5 MB. */
const MAX_BYTES = 64 * 1024 * 1024
/** Whoever opens a pipe would wait for somebody to write into it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: ': there is no such file',
  ENOTDIR: ': something on the way to it is no directory',
  EACCES: ': the user of this process may not read it',
  ELOOP: ': it is a link that leads back to itself',
}

/** Returns the text of a file, with its byte order mark if it has one. @throws TextFileError */
export function readTextFile(path: string): string {
  let fd: number | undefined
  try {
    fd = openSync(path, FLAGS)
    requireFile(fstatSync(fd))
    return textOf(readFileSync(fd))
  } catch (error) {
    throw inWords(error as NodeJS.ErrnoException)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** The same beside the event loop, for a file that is read again and again. */
export async function readTextFileAsync(path: string): Promise<string> {
  try {
    await using file = await open(path, FLAGS)
    requireFile(await file.stat())
    return textOf(await file.readFile())
  } catch (error) {
    throw inWords(error as NodeJS.ErrnoException)
  }
}

function requireFile(stats: Stats): void {
  if (stats.isDirectory()) throw new TextFileError('is a directory, and must be a file', 'EISDIR')
  if (!stats.isFile())
    throw new TextFileError('is a pipe or a device, and must be a file that can be read again')
  if (stats.size > MAX_BYTES) throw new TextFileError(`is larger than ${MAX_BYTES / 2 ** 20} MiB`)
}

function textOf(bytes: Buffer): string {
  // UTF-16, as some editors call "Unicode", has a zero in every letter of English; so have files that are no text at all.
  if (bytes.includes(0)) throw new TextFileError('is no text in UTF-8; save it as UTF-8')
  return bytes.toString('utf8')
}

function inWords(error: NodeJS.ErrnoException): TextFileError {
  if (error instanceof TextFileError) return error
  const { code = '' } = error
  return new TextFileError(`cannot be read (${code})${WORDS[code] ?? ''}`, code, { cause: error })
}
