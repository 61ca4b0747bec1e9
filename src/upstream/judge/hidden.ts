/** Failures that a result hides: inside its scope, its context, an error, or JSON in a text of these. */

import { ERROR_NAMES, isFailureState, STATE_NAMES, type Asked } from './evidence.ts'
import { isHolder, isObject, member, opened, type JsonObject } from './json.ts'
import { MAX_MESSAGE_LENGTH, MESSAGE_NAMES, messageText } from './reason.ts'
import { cut, decodeEntities } from './text.ts'
import {
  beginsWithFailure,
  beginsWithPlainFailure,
  mayTellOfFailure,
  meaningOf,
  mentionsFailure,
  numberOf,
  tellsOfError,
} from './words.ts'

/** Members that say who or what it is about, in words that are nobody's verdict. */
const IDENTITY =
  /^(?:name|.*_name|snapshot|type|action|module|key|id|.*_id|callback|hostname|host|server|date|.*_at)$/

/** The members that say something by their name. */
const TELLING = [...ERROR_NAMES, 'code', ...STATE_NAMES]

/** A failure that a result hides: sure by its place or as the beginning of a text, or only a mention, which is a doubt. */
export interface Hidden {
  isSure: boolean
  /** What it says, or ''. */
  text: string
}

/**
 * What speaks against a success that a frame tells of, the gravest of it. The payload of a read (`isData`) is looked at by
 * its own members and no deeper: the state of a snapshot or of a disk says nothing about the read. `debug` is no evidence: what is
 * written to help developers is full of errors that were none.
 */
export function hiddenFailure(
  frames: readonly JsonObject[],
  isData: boolean,
  asked: Asked,
): Hidden | undefined {
  const search = new Search(asked)
  for (const frame of frames) {
    for (const name of ERROR_NAMES) search.member(frame, name, member(frame, name))
    const scope = member(frame, 'scope')
    if (isData) search.shallow(scope)
    else search.deep(scope)
    search.deep(member(frame, 'context'))
    search.shallow(member(frame, 'message'))
  }
  return search.found
}

class Search {
  readonly #asked: Asked
  found: Hidden | undefined

  constructor(asked: Asked) {
    this.#asked = asked
  }

  /** `said` is where the words stand; they are looked for only where they count. */
  add(isSure: boolean, said: unknown): void {
    if (this.found === undefined || (isSure && !this.found.isSure))
      this.found = { isSure, text: messageText(said) }
  }

  /** A failure in a value itself, or in its own members. */
  shallow(value: unknown): void {
    const inner = opened(value)
    if (typeof inner === 'string') this.#text(inner, '')
    else if (isObject(inner)) for (const name of TELLING) this.member(inner, name, member(inner, name))
  }

  /** A failure anywhere inside a value, JSON in its texts included. */
  deep(value: unknown): void {
    const holders: object[] = []
    const look = (name: string, child: unknown): void => {
      if (typeof child !== 'string' && typeof child !== 'object') return
      const inner = opened(child)
      if (isHolder(inner)) holders.push(inner)
      else if (typeof inner === 'string') this.#text(inner, name)
    }
    look('', value)
    for (let holder = holders.pop(); holder && !this.found?.isSure; holder = holders.pop()) {
      if (isObject(holder)) {
        for (const [name, child] of Object.entries(holder)) {
          this.member(holder, name, child)
          look(name, child)
        }
      } else if (Array.isArray(holder)) for (const item of holder) look('', item)
    }
  }

  /** What one member says by its name: an error, a code, a state. */
  member(holder: JsonObject, name: string, value: unknown): void {
    if (ERROR_NAMES.includes(name)) {
      if (tellsOfError(opened(value))) this.add(true, value)
    } else if (name === 'code') {
      if ((numberOf(value) ?? 0) < 0) this.add(true, holder)
    } else if (STATE_NAMES.includes(name)) {
      const meaning = meaningOf(value)
      if (meaning === 'failure') this.add(true, holder)
      else if (isFailureState(meaning)) this.add(false, holder)
    }
  }

  /** A text says less the more it may be a name: of the snapshot itself, or of anything. */
  #text(text: string, name: string): void {
    if (!mayTellOfFailure(text) || IDENTITY.test(name)) return
    const said = withoutName(decodeEntities(cut(text, MAX_MESSAGE_LENGTH)), this.#asked.name)
    if (name === '' || MESSAGE_NAMES.includes(name)) {
      if (beginsWithFailure(said)) this.add(true, text)
      else if (mentionsFailure(said)) this.add(false, text)
    } else if (beginsWithPlainFailure(said)) this.add(true, text)
  }
}

/** A text without the asked snapshot's own name, which may be `pre-lock` or `missing-index`. */
export function withoutName(text: string, name: string | undefined): string {
  if (name === undefined || name === '') return text
  const own = name.toLowerCase()
  if (!text.toLowerCase().includes(own)) return text
  return text.replace(/[\w.-]+/g, token => {
    const lower = token.toLowerCase()
    return lower === own || lower.replace(/\.+$/, '') === own ? '…' : token
  })
}
