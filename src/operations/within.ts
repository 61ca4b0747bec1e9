/** The promise's value, or undefined when the time is over or a signal aborts. */
export function within<T>(
  promise: Promise<T>,
  limitMs: number,
  ...signals: (AbortSignal | undefined)[]
): Promise<T | undefined> {
  if (limitMs <= 0 || signals.some(signal => signal?.aborted)) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const giveUp = (): void => settle(() => resolve(undefined))
    const timer = setTimeout(giveUp, limitMs)
    for (const signal of signals) signal?.addEventListener('abort', giveUp, { once: true })
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      for (const signal of signals) signal?.removeEventListener('abort', giveUp)
      finish()
    }
    promise.then(
      value => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
