/**
 * Where the values of a JSON text stand. `JSON.parse` is faster and tells no places, so this is used only when something
 * is to be said about a text, or to be changed in it.
 */

export interface Span {
  /** Offsets into the text: of the first character, and of the one after the last. */
  readonly start: number
  readonly end: number
}

export interface JsonPlaces {
  /** The values by their JSON pointer (RFC 6901); '' is the whole. */
  readonly values: ReadonlyMap<string, Span>
  /** The names of members, by the pointer of their value. */
  readonly names: ReadonlyMap<string, Span>
  /** The pointers of members that an object has twice, of which the last one counts. */
  readonly repeated: readonly string[]
}

/** Something to be said about a place in a JSON text. It never shows a value: one may be a secret in the wrong place. */
export interface Remark {
  /** The JSON pointer of the value. */
  readonly pointer: string
  readonly message: string
}

/** Something in a text that is no JSON (RFC 8259). The message says what is expected instead. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Returns the places of all values of a JSON text. @throws JsonFault */
export function placesOf(text: string): JsonPlaces {
  return new Scan(text).whole()
}

/** Returns the place of an offset as people count: `<line>:<column>`, each from 1. */
export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return `${line}:${offset - before.lastIndexOf('\n')}`
}

const MAX_DEPTH = 64
const BLANK = /[ \t\r\n]*/y
// oxlint-disable-next-line no-control-regex -- JSON allows no control characters within strings
const STRING = /"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

class Scan {
  readonly #text: string
  readonly #values = new Map<string, Span>()
  readonly #names = new Map<string, Span>()
  readonly #repeated: string[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): JsonPlaces {
    this.#value('', 0)
    this.#take(BLANK)
    if (this.#at < this.#text.length) this.#fail('nothing may follow here')
    return { values: this.#values, names: this.#names, repeated: this.#repeated }
  }

  #value(pointer: string, depth: number): void {
    if (depth > MAX_DEPTH) this.#fail('this is nested too deeply')
    this.#take(BLANK)
    const start = this.#at
    const first = this.#text[start]
    if (first === '{') this.#object(pointer, depth)
    else if (first === '[') this.#array(pointer, depth)
    else if (first === '"') this.#string()
    else if (!this.#take(SCALAR)) this.#fail('a value is expected here')
    this.#values.set(pointer, { start, end: this.#at })
  }

  #object(pointer: string, depth: number): void {
    this.#list('}', () => {
      const start = this.#at
      if (this.#text[start] !== '"') this.#fail('the name of a member in double quotes is expected here')
      const name = JSON.parse(this.#string()) as string
      const member = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (this.#names.has(member)) this.#repeated.push(member)
      this.#names.set(member, { start, end: this.#at })
      this.#take(BLANK)
      if (!this.#skip(':')) this.#fail('a colon is expected here')
      this.#value(member, depth + 1)
    })
  }

  #array(pointer: string, depth: number): void {
    let index = 0
    this.#list(']', () => this.#value(`${pointer}/${index++}`, depth + 1))
  }

  /** Reads what stands between brackets, with commas between. */
  #list(end: string, item: () => void): void {
    this.#at += 1
    this.#take(BLANK)
    if (this.#skip(end)) return
    for (;;) {
      this.#take(BLANK)
      item()
      this.#take(BLANK)
      if (this.#skip(end)) return
      if (!this.#skip(',')) this.#fail(`a comma or ${end} is expected here`)
    }
  }

  #string(): string {
    return (
      this.#take(STRING) ?? this.#fail('a text is expected here that ends in its line with a double quote')
    )
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    this.#at += found?.length ?? 0
    return found
  }

  #skip(letter: string): boolean {
    if (this.#text[this.#at] !== letter) return false
    this.#at += 1
    return true
  }

  #fail(message: string): never {
    throw new JsonFault(message, this.#at)
  }
}
