/** Numbers that look random and follow from a seed. */

export interface Chance {
  /** A number in [0, 1). */
  number(): number
  /** A whole number in [0, limit), also where that is larger than 2^32. */
  below(limit: number): number
  one<T>(of: readonly T[]): T
  /** True this often. */
  is(share: number): boolean
  between(least: number, most: number): number
  /** Another row of numbers, which does not depend on how many are drawn here later. */
  fork(): Chance
}

/** mulberry32, by Tommy Ettinger: small, fast, and good enough to draw mishaps with. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const draw = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const number = (): number => draw() / 2 ** 32
  const below = (limit: number): number =>
    Math.floor(((draw() * 2 ** 21 + (draw() >>> 11)) / 2 ** 53) * limit)
  return {
    number,
    below,
    one: of => of[Math.floor(number() * of.length)]!,
    is: share => number() < share,
    between: (least, most) => least + Math.floor(number() * (most - least + 1)),
    fork: () => chance(draw()),
  }
}
