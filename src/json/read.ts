/**
 * JSON read in one pass from any place of a text. `JSON.parse` tells neither where a value ends, nor that a member came
 * twice, nor how deep it goes before it is too late, and takes ten times as long where it is to keep all digits.
 * Linear in the length of the text, whatever the text is.
 */

import { exactNumber } from './number.ts'

export type Reading =
  /** `end` is where the value ends; `twice` are the members that some object had twice, with two values. */
  | { kind: 'value'; value: unknown; end: number; twice: ReadonlySet<string> }
  /** No JSON. What comes before `resumeAt` is a part of what was cut off, and nothing in it stands for itself. */
  | { kind: 'broken'; resumeAt: number }
  /** Its objects and lists nest too deep, or are too many. */
  | { kind: 'too-deep' }
  | { kind: 'too-many' }

/** What JSON is read at all: how deep its objects and lists may nest, and how many there may be. */
export interface Bounds {
  maxDepth: number
  maxHolders: number
}

/** The JSON value at `start`, within these bounds. */
export function readJson(text: string, start: number, bounds: Bounds): Reading {
  const reader = new Reader(text, start, bounds)
  const value = reader.value(1)
  if (value !== BROKEN) return { kind: 'value', value, end: reader.at, twice: reader.twice ?? NONE }
  if (reader.passed) return { kind: reader.passed }
  // A stray quote makes a string of what follows: the answer may stand inside it.
  return { kind: 'broken', resumeAt: Math.max(reader.token, start) + 1 }
}

/** Whether nothing but white space stands behind `from`. */
export function isBlank(text: string, from: number): boolean {
  return !/\S/.test(text.slice(from))
}

const NONE: ReadonlySet<string> = new Set()
const BROKEN = Symbol('no JSON')
const [TAB, LINE, RETURN, SPACE, QUOTE, COMMA, MINUS, ZERO, NINE] = [9, 10, 13, 32, 34, 44, 45, 48, 57]
const [COLON, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [58, 91, 93, 123, 125]
const [POINT, CAPITAL_E, SMALL_E] = [46, 69, 101]
const LITERALS: readonly [string, unknown][] = [
  ['true', true],
  ['false', false],
  ['null', null],
]
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

class Reader {
  readonly text: string
  readonly #bounds: Bounds
  #holders = 0
  at: number
  /** Where the string begins that was read last. */
  token: number
  /** The bound that was passed. */
  passed: 'too-deep' | 'too-many' | undefined
  /** Made when it is needed, which is never. */
  twice: Set<string> | undefined
  /** The next backslash; behind the end where there is none. Kept, so that it is looked for once. */
  #backslash = -1

  constructor(text: string, at: number, bounds: Bounds) {
    this.text = text
    this.#bounds = bounds
    this.at = at
    this.token = at
  }

  value(depth: number): unknown {
    switch (this.#next()) {
      case QUOTE:
        return this.#string()
      case OPEN:
        return this.#object(depth)
      case OPEN_LIST:
        return this.#list(depth)
      default:
        return this.#scalar()
    }
  }

  /** The next character that is no white space. */
  #next(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== SPACE && code !== LINE && code !== RETURN && code !== TAB) return code
      this.at += 1
    }
  }

  #object(depth: number): unknown {
    if (this.#isOneTooMany()) return this.#refuse('too-many')
    const object: Record<string, unknown> = {}
    this.at += 1
    if (this.#next() === CLOSE) return this.#close(object)
    if (depth > this.#bounds.maxDepth) return this.#refuse('too-deep')
    for (;;) {
      if (this.#next() !== QUOTE) return BROKEN
      const name = this.#string()
      if (typeof name !== 'string' || this.#next() !== COLON) return BROKEN
      this.at += 1
      const value = this.value(depth + 1)
      if (value === BROKEN) return BROKEN
      this.#put(object, name, value)
      const code = this.#next()
      if (code === CLOSE) return this.#close(object)
      if (code !== COMMA) return BROKEN
      this.at += 1
    }
  }

  #put(object: Record<string, unknown>, name: string, value: unknown): void {
    if (Object.hasOwn(object, name) && object[name] !== value) (this.twice ??= new Set()).add(name)
    // Else it would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
    else object[name] = value
  }

  #list(depth: number): unknown {
    if (this.#isOneTooMany()) return this.#refuse('too-many')
    const list: unknown[] = []
    this.at += 1
    if (this.#next() === CLOSE_LIST) return this.#close(list)
    if (depth > this.#bounds.maxDepth) return this.#refuse('too-deep')
    for (;;) {
      const value = this.value(depth + 1)
      if (value === BROKEN) return BROKEN
      list.push(value)
      const code = this.#next()
      if (code === CLOSE_LIST) return this.#close(list)
      if (code !== COMMA) return BROKEN
      this.at += 1
    }
  }

  #close(value: object): object {
    this.at += 1
    return value
  }

  #refuse(bound: 'too-deep' | 'too-many'): symbol {
    this.passed = bound
    return BROKEN
  }

  /** Counts one more object or list. */
  #isOneTooMany(): boolean {
    this.#holders += 1
    return this.#holders > this.#bounds.maxHolders
  }

  #string(): unknown {
    const { text } = this
    const start = this.at
    this.token = start
    let end = text.indexOf('"', start + 1)
    if (this.#backslash < start) this.#backslash = indexOrEnd(text, '\\', start)
    if (end !== -1 && end < this.#backslash) {
      this.at = end + 1
      return text.slice(start + 1, end)
    }
    // With escapes: the end is the first quote that none of them hides.
    let escape = this.#backslash
    while (end !== -1 && escape < end) {
      if (escape + 1 === end) end = text.indexOf('"', end + 1)
      escape = indexOrEnd(text, '\\', escape + 2)
    }
    this.#backslash = escape
    if (end === -1) return BROKEN
    this.at = end + 1
    return unescaped(text.slice(start, end + 1))
  }

  #scalar(): unknown {
    const { text } = this
    const code = text.charCodeAt(this.at)
    if (code === MINUS || (code >= ZERO && code <= NINE)) return this.#number()
    for (const [word, value] of LITERALS) {
      if (text.startsWith(word, this.at)) {
        this.at += word.length
        return value
      }
    }
    return BROKEN
  }

  #number(): unknown {
    const { text } = this
    const start = this.at
    // Short whole numbers are nearly all there are, and a regular expression takes ten times as long.
    let value = 0
    let end = start
    let code = text.charCodeAt(start)
    const isPadded = code === ZERO
    for (; code >= ZERO && code <= NINE; code = text.charCodeAt(end)) {
      value = value * 10 + code - ZERO
      end += 1
    }
    const digits = end - start
    const isWhole = code !== POINT && code !== SMALL_E && code !== CAPITAL_E
    if (isWhole && digits > 0 && digits < 16 && (digits === 1 || !isPadded)) {
      this.at = end
      return value
    }
    NUMBER.lastIndex = start
    const source = NUMBER.exec(text)?.[0]
    if (source === undefined) return BROKEN
    this.at = start + source.length
    return exactNumber(Number(source), source)
  }
}

/** The text of a JSON string with escapes, with U+FFFD for each half of a character. */
function unescaped(source: string): unknown {
  // Asked first, since an exception for each of many bad strings would take seconds.
  const rest = source.replaceAll('\\\\', '')
  if (BAD_ESCAPE.test(rest) || CONTROL.test(rest)) return BROKEN
  return (JSON.parse(source) as string).toWellFormed()
}

const BAD_ESCAPE = /\\(?!["/bfnrt]|u[\da-fA-F]{4})/
const CONTROL = /[^ -\uffff]/

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from)
  return index === -1 ? Infinity : index
}
