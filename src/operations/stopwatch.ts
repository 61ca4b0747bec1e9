import type { World } from '../world.ts'

/**
 * Tells how many milliseconds ago it was made, by that of two clocks which says more: the monotonic one stands still while
 * the machine is suspended, and the other one may be set back.
 */
export function stopwatch({ now, monotonic }: Pick<World, 'now' | 'monotonic'>): () => number {
  const [nowMs, monotonicMs] = [now(), monotonic()]
  return () => Math.max(now() - nowMs, monotonic() - monotonicMs)
}
