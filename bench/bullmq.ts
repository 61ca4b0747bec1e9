/** The durable handler that most would write: Fastify and BullMQ over Redis. A job is called, keeps its key, and is checked. */

import { Queue, Worker } from 'bullmq'
import { callCreate, check, listen, newApp, routeCreate, type Create } from './app.ts'
import { CALLS_AT_ONCE } from './stub.ts'

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }
const queue = new Queue<Create & { callback?: string }>('snapshots', { connection })
let running = 0

const worker = new Worker<Create & { callback?: string }>(
  queue.name,
  async job => {
    const callback = await callCreate(job.data)
    await job.updateData({ ...job.data, callback })
    return check(callback)
  },
  { connection, concurrency: CALLS_AT_ONCE },
)
worker.on('completed', () => (running -= 1))
await worker.waitUntilReady()

const app = await newApp()
routeCreate(app, async create => {
  running += 1
  const { id } = await queue.add('create', create)
  return `op_${id}`
})
await listen(app, () => running)
