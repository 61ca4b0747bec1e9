import type { Reply } from '../delivery.ts'
import { phpJson } from '../json.ts'
import type { About, Dress, Json } from './dress.ts'

/** The plain answer with all of its dresses on: first what they say, then what they send. */
export function wear(plain: Json, worn: readonly Dress[], about: About): Reply {
  const words = worn.reduce<unknown>(
    (said, dress) => (dress.says ? dress.says(said as Json, about) : said),
    plain,
  )
  return worn.reduce<Reply>((reply, dress) => dress.sends?.(reply, about) ?? reply, { body: phpJson(words) })
}
