/** A real redis-server for tests, which can be killed, stopped and started again on the same files. */

import { onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../helper.ts'
import { findProgram, freePort, runProgram, type Program } from '../../programs.ts'

export interface RedisServer {
  port: number
  /** `redis://…` with a database of its own prefix. */
  url(prefix?: string): string
  pid(): number
  /** As `kill -9` does. */
  kill(): Promise<void>
  /** Again on the same port and files. */
  start(): Promise<void>
  /** SIGSTOP: it takes connections and bytes, and answers nothing. */
  stop(): void
  go(): void
}

/** One that keeps an append-only file and writes each change to the disk before it answers. Ends with the test, or with `onFinished`. */
export async function startRedis(
  options: { args?: string[]; onFinished?: (end: () => void) => void } = {},
): Promise<RedisServer> {
  const { args = [], onFinished = onTestFinished } = options
  const directory = temporaryDirectory(onFinished)
  const port = await freePort()
  let program: Program
  const start = async (): Promise<void> => {
    program = runProgram(findProgram('redis-server')!, {
      args: [
        ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
        ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
        args,
      ].flat(),
      onFinished,
    })
    await program.line(/Ready to accept connections/)
  }
  await start()
  return {
    port,
    url: (prefix = 'test') => `redis://127.0.0.1:${port}/0?prefix=${prefix}`,
    pid: () => program.child.pid!,
    async kill() {
      program.child.kill('SIGKILL')
      await program.ended
    },
    start,
    stop: () => void program.child.kill('SIGSTOP'),
    go: () => void program.child.kill('SIGCONT'),
  }
}
