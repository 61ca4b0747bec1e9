/**
 * Loaded into a process (`--import`): tells the longest turn of its event loop, in milliseconds of processor time, so that what
 * other processes do meanwhile does not count. At SIGUSR2 it writes that to `LOOP_FILE`, and begins anew.
 */

import { writeFileSync } from 'node:fs'

const TICK_MS = 2

let longestMs = 0
let before = process.threadCpuUsage()
setInterval(() => {
  const { user, system } = process.threadCpuUsage(before)
  longestMs = Math.max(longestMs, (user + system) / 1_000)
  before = process.threadCpuUsage()
}, TICK_MS).unref()

process.on('SIGUSR2', () => {
  writeFileSync(process.env.LOOP_FILE!, String(longestMs))
  longestMs = 0
})
