/**
 * Values in a text that have the name of a secret: `password=…`, `Root password: …`, JSON that cannot be parsed, PHP's
 * print_r, var_dump and serialize, XML, HTML, name/value pairs, and the user of a URL. The text is read once, from left to
 * right, and never again from the left of where a value ended: the work grows with the length of the text alone.
 */

import { HINTS, isSecretName } from './secret-names.ts'
import { BLOT } from './secret-values.ts'

const QUOTE = String.raw`(?:\\{0,31}["'\x60]|\\{1,31}u002[27]|[«»“”„]|&(?:quot|#0?3[49]|apos);|%(?:25)?2[27])`
const TAG = String.raw`<(?!!)[^<>]{0,64}>`
/** Behind a name: the quotes and brackets it stands in, in any order. */
const CLOSERS = new RegExp(String.raw`(?:${QUOTE}|\[[\w.-]{1,40}\]|[\])}]|${TAG}| ){1,8}`, 'iy')
/** `Password (root):`, `password for user root:`, `PIN code:`; what comes before it was read as closers. */
const ASIDE = new RegExp(
  String.raw`(?:\([^()\n]{0,40}\)|(?:for|of|to|is|was|от|для)(?:[ \t]{1,4}[\p{L}\p{N}_.@-]{1,40}){0,3}|(?:root|admin|administrator|user|code|код|word|phrase|value|hash|vnc|ssh|ftp|ipmi|server|сервера|пользователя))[ \t]{0,4}(?=[=:-])`,
  'iuy',
)
const SIGN = /[ \t]{0,8}(?:=>|:=|->|==|[=:：﹕—–]|%(?:25)?3[AD])|[ \t]{0,8}[|\t]/iy
/** `the password was set to "…"`: behind a verb stands a value only where it looks like one. */
const VERB =
  /[ \t]{1,4}(?:(?:is|was|will be|has been)(?:[ \t]now)?(?:[ \t](?:set|changed|reset) to)?|(?:set|changed|reset) to)[ \t]{0,4}:?[ \t]{1,4}(?=["'\x60«“]|\S{0,64}\d)/iy
/** `--password …` */
const OPTION = /[ \t]{1,4}(?=[^\s-])/y
/** What var_dump says of a member: `["password":"User":private]=>` */
const VISIBILITY = /"(?::"[\w\\]{1,80}")?:(?:protected|private)\]=>/y
/** The end of a tag that has the name in an attribute: `<param name="password">` */
const TAG_END = /["'](?:\s[^<>]{0,200})?>/y
/** `"name":"root_password","value":` and the like. */
const VALUE_MEMBER = new RegExp(
  String.raw`[\s,;&|/]{1,8}(?:${QUOTE}|\[)?(?:value|val|content|data|text|значение)(?:${QUOTE}|\])?\s{0,4}(?:=>|[=:])`,
  'iy',
)
/** PHP's serialize: `s:8:"password";s:3:"…"` */
const SERIALIZED = /\\{0,31}";(?:i:\d{1,9};)?(?:s:\d{1,7}:|[idb]:|(?=a:\d{1,7}:\{))/y
/** `<td>Root password</td><td>` */
const CELL = /<\/\w{1,12}>\s{0,8}<\w{1,12}[^<>]{0,64}>/y
/** What may stand before a value; var_dump writes `string(3) "…"`, and YAML `|` for a text of lines. */
const BEFORE_VALUE = new RegExp(
  String.raw`(?:\s|${TAG}){0,8}(?:string\(\d{1,7}\)\s?|!!\w{1,20}\s{1,4}|[|>][+-]?\d?[ \t]{0,4}\r?\n\s{1,64})?`,
  'y',
)
const HINT = new RegExp(HINTS.source, 'giu')
const NAME_BEFORE = /[\p{L}\p{N}_.-]/u
const NAME_REST = /[\w.-]*(?:[\p{L}\p{N}_.-]*)/uy
const MAX_NAME_LENGTH = 64

/** A text with more names than this is no text: what is behind them is not shown. It bounds the work. */
const MAX_NAMES = 20_000

/** Replaces every value that has the name of a secret, every private key, and the user and password of every URL. */
export function blotNamed(text: string): string {
  return blotUsers(blotValues(blotPrivateKeys(text)))
}

/** From the first line of a private key to its last, or to the end of the text. */
function blotPrivateKeys(text: string): string {
  return text.includes('PRIVATE KEY-----')
    ? text.replaceAll(
        /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
        BLOT,
      )
    : text
}

function blotValues(text: string): string {
  let clean = ''
  let done = 0
  let names = 0
  HINT.lastIndex = 0
  for (let hint = HINT.exec(text); hint; hint = HINT.exec(text)) {
    const nameEnd = endOf(NAME_REST, text, hint.index)
    HINT.lastIndex = nameEnd
    names += 1
    if (names > MAX_NAMES) return clean + text.slice(done, nameEnd) + BLOT
    const name = text.slice(startOfName(text, hint.index, done), nameEnd)
    const signEnd = endOfSign(text, nameEnd, name)
    if (signEnd === nameEnd || !isSecretName(name)) continue
    const start = endOf(BEFORE_VALUE, text, signEnd)
    const end = endOfValue(text, start, text.slice(nameEnd, signEnd))
    if (end === start) continue
    // `key="password" value="…"`: this is the name.
    if (
      /^key$/i.test(name) &&
      isSecretName(text.slice(start, Math.min(end, start + 80)).replaceAll(/\W/g, ''))
    ) {
      HINT.lastIndex = start
      continue
    }
    clean += text.slice(done, start) + BLOT
    done = end
    HINT.lastIndex = end
  }
  return done === 0 ? text : clean + text.slice(done)
}

/** Returns where the sign ends that gives what is named before `at` a value, or `at` when there is none. */
function endOfSign(text: string, at: number, name: string): number {
  const direct = endOf(text[at] === '<' ? CELL : SERIALIZED, text, at)
  if (direct > at) return direct
  const visible = endOf(VISIBILITY, text, at)
  if (visible > at) return visible
  // `<password>`
  if (text[at] === '>') return at + 1
  const closed = endOf(CLOSERS, text, at)
  const aside = closed > at ? endOf(ASIDE, text, closed) : closed
  const sign = endOf(SIGN, text, aside)
  if (sign > aside) return sign
  // A space may have been read as a closer, where it stands before the second name.
  const second = text[closed - 1] === ' ' && closed > at ? closed - 1 : closed
  const member = endOf(VALUE_MEMBER, text, second)
  if (member > second) return member
  const end = endOf(TAG_END, text, at)
  if (end > at) return end
  return endOf(name.startsWith('--') ? OPTION : VERB, text, at)
}

function startOfName(text: string, at: number, least: number): number {
  let start = at
  const first = Math.max(least, at - MAX_NAME_LENGTH)
  while (start > first && NAME_BEFORE.test(text[start - 1]!)) start -= 1
  // `%22password%22`
  return text[start - 1] === '%' ? Math.min(start + 2, at) : start
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

const OPENING_QUOTE = new RegExp(QUOTE, 'iuy')
const OPENING_BRACKET = /(?:(?:Array|\w{1,40} Object)\s{0,4}|a:\d{1,7}:)?[[({]/y
const SCHEME = /(?:Bearer|Basic|Digest|Token)[ \t]+/iy
/** The rest of a value that nothing encloses: up to a space, or to the next member of a query. */
const BARE = /(?:[^\s&]|&(?![\w.-]{1,40}=))*/y
/** The same, inside JSON. */
const BARE_MEMBER = /[^\s,}\])]*/y
const LINE = /[^\r\n]*/y
const ELEMENT = /<!\[CDATA\[(?:[^\]]|\](?!\]>))*(?:\]\]>)?|[^<]*/y

/** Returns where the value ends that begins at `start`. Of one that is never closed, nothing behind it is shown. */
function endOfValue(text: string, start: number, sign: string): number {
  if (/(?:^|[^=-])>$/.test(sign)) return endOf(ELEMENT, text, start)
  const inner = endOf(SCHEME, text, start)
  const bracket = endOf(OPENING_BRACKET, text, inner)
  if (bracket > inner) return endOfRest(text, endOfGroup(text, bracket - 1), sign)
  // print_r writes a value as it is, up to the end of its line.
  if (/^\]\s?=>/.test(sign)) return endOf(LINE, text, inner)
  const quote = endOf(OPENING_QUOTE, text, inner)
  if (quote > inner) return endOfRest(text, endOfQuoted(text, quote, text.slice(inner, quote)), sign)
  return endOfRest(text, inner, sign)
}

function endOfRest(text: string, at: number, sign: string): number {
  return endOf(/^(?:\\*["'`\]]|&quot;)/.test(sign) ? BARE_MEMBER : BARE, text, at)
}

const CLOSING: Readonly<Record<string, string>> = { '«': '»', '“': '”', '„': '“' }

/** A quote closes when as many backslashes stand before it as before the one that opened: more of them are inside. */
function endOfQuoted(text: string, start: number, quote: string): number {
  const slashes = quote.length - quote.replace(/^\\+/, '').length
  const mark = CLOSING[quote] ?? quote.slice(slashes)
  for (let at = text.indexOf(mark, start); at !== -1; at = text.indexOf(mark, at + mark.length)) {
    let before = 0
    while (at - before > start && text[at - before - 1] === '\\') before += 1
    if (before % (2 * (slashes + 1)) === slashes) return at + mark.length
  }
  return text.length
}

const NESTING: Readonly<Record<string, number>> = { '[': 1, '(': 1, '{': 1, ']': -1, ')': -1, '}': -1 }

/** Behind the bracket that closes the one at `start`. */
function endOfGroup(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    depth += NESTING[text[at]!] ?? 0
    if (depth === 0) return at + 1
  }
  return text.length
}

/** `https://user:password@host`, `root:password@host` and `curl -u user:password` */
function blotUsers(text: string): string {
  if (!text.includes(':')) return text
  return text
    .replaceAll(/:\/\/[^\s/?#"'<>@]{1,512}@(?:[^\s/?#"'<>@]{1,512}@)?/g, `://${BLOT}@`)
    .replaceAll(/\b(root|admin|administrator):[^\s@"'<>]{1,64}@/gi, `$1:${BLOT}@`)
    .replaceAll(/(\s(?:-u|--user)[ =]["']?[\w.@-]{1,64}:)[^\s"']{1,256}/g, `$1${BLOT}`)
}
