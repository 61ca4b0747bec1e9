import type { World } from '../world.ts'

/** The promise's value, or undefined when the time is over or a signal aborts. */
export function within<T>(
  world: World,
  promise: Promise<T>,
  limitMs: number,
  ...signals: (AbortSignal | undefined)[]
): Promise<T | undefined> {
  if (limitMs <= 0 || signals.some(signal => signal?.aborted)) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const giveUp = (): void => settle(() => resolve(undefined))
    const timer = world.after(limitMs, giveUp)
    for (const signal of signals) signal?.addEventListener('abort', giveUp, { once: true })
    const settle = (finish: () => void): void => {
      world.cancel(timer)
      for (const signal of signals) signal?.removeEventListener('abort', giveUp)
      finish()
    }
    promise.then(
      value => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
