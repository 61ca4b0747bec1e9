/** Reads variables of the environment, and collects what is wrong with them. */

import { didYouMean } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads variables one by one. It notes what is wrong with each and goes on with the default. */
export class Reader {
  readonly problems: string[] = []
  /** The names of all variables that were asked for. */
  readonly names = new Set<string>()
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  optional(name: string): string | undefined {
    this.names.add(name)
    const value = this.#env[name]?.trim()
    return value === '' ? undefined : value
  }

  text(name: string, otherwise: string): string {
    return this.optional(name) ?? otherwise
  }

  required(name: string, what: string): string {
    const value = this.optional(name)
    if (value === undefined) this.problems.push(`${name} is required: ${what}`)
    return value ?? ''
  }

  integer(name: string, otherwise: number, min: number, max: number): number {
    return this.parsed(name, otherwise, value => {
      const number = Number(value)
      if (!/^\d+$/.test(value) || number < min || number > max)
        throw new Error(`must be a whole number from ${min} to ${max}`)
      return number
    })
  }

  choice<const T extends string>(name: string, otherwise: NoInfer<T>, choices: readonly T[]): T {
    return this.parsed<T>(name, otherwise, value => {
      const choice = choices.find(one => one === value)
      if (choice === undefined)
        throw new Error(`must be one of ${choices.join(', ')}${didYouMean(value, choices)}`)
      return choice
    })
  }

  parsed<T>(name: string, otherwise: T, parse: (value: string) => T): T {
    const value = this.optional(name)
    if (value === undefined) return otherwise
    return this.check(name, () => parse(value)) ?? otherwise
  }

  /** Notes the error of a failed attempt under the variable's name. The value is not shown, since some are secrets. */
  check<T>(name: string, attempt: () => T): T | undefined {
    try {
      return attempt()
    } catch (error) {
      this.problems.push(`${name} ${(error as Error).message}`)
      return undefined
    }
  }
}
