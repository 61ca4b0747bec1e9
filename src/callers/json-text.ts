/** Puts values into a JSON text as somebody has laid it out. */

/** Returns the blanks with which the line of an offset begins. */
export function indentAt(json: string, offset: number): string {
  const line = json.slice(0, offset).split('\n').at(-1)!
  return /^[ \t]*/.exec(line)![0]
}

/** Returns a value on lines of their own, of which all but the first begin with these blanks. */
export function indented(value: object, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`)
}
