/** Wraps a port, so that something can be done around each call of it without listing its methods again. */

/** One call of a port. */
export interface Call<P> {
  readonly method: keyof P
  readonly args: readonly unknown[]
}

/**
 * The same port, with `around` in place of each method: what `around` gives is what the caller gets, and `next` makes the
 * call itself. Members that are no methods stay as they are.
 */
export function intercept<P extends object>(
  port: P,
  around: (call: Call<P>, next: () => unknown) => unknown,
): P {
  const wrapped = new Map<PropertyKey, unknown>()
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (!wrapped.has(name)) {
        const method = name as keyof P
        wrapped.set(name, (...args: unknown[]) =>
          around({ method, args }, () => Reflect.apply(member, target, args) as unknown),
        )
      }
      return wrapped.get(name)
    },
  })
}
