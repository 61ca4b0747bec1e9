// ES2025; the types of this compiler's library do not know it yet.
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => object }

/** JSON as PHP writes it, whose integers have 64 bits: a `bigint` becomes a number with all its digits. */
export function phpJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? rawJSON(String(member)) : member,
  )
}
