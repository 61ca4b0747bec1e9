/** The databases that contenders store in, each alone, as it comes but for durability: nothing is acknowledged before it is on disk. */

import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findPostgres, startPostgres } from '../test/store/postgres/postgres-server.ts'
import { findProgram, freePort, runProgram } from '../test/programs.ts'
import { cpuMsOf, directory, memoryMbOf } from './processes.ts'

export interface Engine {
  /** How its users find it. */
  env: Record<string, string>
  /** Processor time of all its processes so far, in milliseconds. */
  cpuMs(): number
  memoryMb(): number
  end(): Promise<void>
}

/** A PostgreSQL of its own, or null where there is none. */
export async function openPostgresEngine(): Promise<Engine | null> {
  if (findPostgres() === null) return null
  const ends: (() => unknown)[] = []
  const server = await startPostgres({
    settings: ['shared_buffers=128MB'],
    onFinished: end => void ends.push(end),
  })
  return {
    env: { STORE_URL: server.url() },
    cpuMs: () => cpuMsOf(server.pids()),
    memoryMb: () => memoryMbOf(server.pids()),
    async end() {
      for (const end of ends.splice(0).toReversed()) await end()
    },
  }
}

/** A Redis of its own, whose every write is fsynced before it is answered, or null where there is none. */
export async function openRedisEngine(): Promise<Engine | null> {
  const program = findProgram('redis-server')
  if (program === null) return null
  const port = await freePort()
  const cwd = join(directory, `redis-${port}`)
  mkdirSync(cwd)
  const ends: (() => void)[] = []
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes']
  const { child, ended } = runProgram(program, {
    args: [...args, '--appendfsync', 'always'],
    cwd,
    onFinished: end => void ends.push(end),
  })
  while (!(await answers(port))) await sleep(10)
  return {
    env: { REDIS_PORT: String(port) },
    cpuMs: () => cpuMsOf([child.pid!]),
    memoryMb: () => memoryMbOf([child.pid!]),
    async end() {
      for (const end of ends.splice(0)) end()
      await ended
    },
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
