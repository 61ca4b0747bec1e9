/** Whether a file can be, or become, a SQLite store. The file is read as bytes, so that no lock of it is met or taken. */

import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  rmdirSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SCHEMA_VERSION } from './schema.ts'

/** What a file system says of itself (statfs(2)): NFS, CIFS, SMB2. SQLite's locks and fsyncs cannot be trusted there. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42])
const LITTLE_ROOM_BYTES = 100 * 1024 * 1024
/** A SQLite file begins with this text (https://www.sqlite.org/fileformat2.html), and has `user_version` at byte 60. */
const MAGIC = 'SQLite format 3\0'
const USER_VERSION_AT = 60
/** The first page is the table of all tables; here is how many entries it has. */
const TABLES_AT = 103

/** A file that is no store, or that this version does not know. The message goes on after its name. */
export class UnfitFile extends Error {}

export const NO_STORE = 'is a database of another program; name a file that is not there yet'

/** Tells what stands against the use of this file as a store. */
export function checkSqliteFile(path: string): { faults: string[]; warnings: string[] } {
  try {
    checkDirectory(dirname(resolve(path)))
    const { size } = checkFile(path)
    return { faults: [], warnings: roomWarnings(path, size) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return {
      faults: [`the store ${path} ${code === undefined ? message : `cannot be used (${code})`}`],
      warnings: [],
    }
  }
}

/** @throws Error when the directory, or the nearest one above it that is there, takes no new entry */
function checkDirectory(path: string): void {
  const directory = existing(path)
  if (!statSync(directory).isDirectory()) throw new Error(`cannot be made: ${directory} is no directory`)
  try {
    rmdirSync(mkdtempSync(join(directory, '.hostkey-vm-gateway-')))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`cannot be written: the directory ${directory} takes no files (${code})`, {
      cause: error,
    })
  }
}

/** @throws UnfitFile when the file is there, and is no store that this version can use */
export function checkFile(path: string): { size: number } {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return { size: 0 }
  if (!stat.isFile()) throw new UnfitFile('is no file')
  accessSync(path, constants.R_OK | constants.W_OK)
  const header = Buffer.alloc(TABLES_AT + 2)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, header, 0, header.length, 0)
  } finally {
    closeSync(fd)
  }
  if (stat.size > 0 && header.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new UnfitFile('is another file, and no SQLite database; name one that is not there yet')
  const version = header.readUInt32BE(USER_VERSION_AT)
  refuseNewer(version)
  if (version === 0 && header.readUInt16BE(TABLES_AT) > 0) throw new UnfitFile(NO_STORE)
  return stat
}

/** @throws UnfitFile when a file of this schema is newer than this program */
export function refuseNewer(version: number): void {
  if (version > SCHEMA_VERSION)
    throw new UnfitFile(
      `was written by a newer version of the gateway (schema ${version}); start that one, or restore a backup`,
    )
}

function roomWarnings(path: string, size: number): string[] {
  const { bavail, bsize, type } = statfsSync(existing(resolve(path)))
  const warnings: string[] = []
  if (bavail * bsize < LITTLE_ROOM_BYTES + size / 10)
    warnings.push(`the disk of the store ${path} has only ${Math.floor((bavail * bsize) / 2 ** 20)} MiB left`)
  if (NETWORK_FILE_SYSTEMS.has(type))
    warnings.push(`the store ${path} is on a network file system; keep it on a local disk`)
  return warnings
}

/** Returns the path, or the nearest one above it that is there. */
function existing(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) ? path : existing(dirname(path))
}
