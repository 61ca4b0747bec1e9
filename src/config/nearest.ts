/** Finds the known word that somebody probably meant. */

/**
 * Returns the known word nearest to `word`, or undefined when none is near: one of them begins with the other, or few
 * letters differ. Upper and lower case count as the same.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const sought = word.toLowerCase()
  let found: string | undefined
  let least = Math.max(2, Math.floor(sought.length / 3)) + 1
  for (const one of known) {
    const distance = distanceOf(sought, one.toLowerCase())
    if (distance >= least || distance >= one.length) continue
    least = distance
    found = one
  }
  return found
}

/** Returns `; did you mean …?` with the known word nearest to `word`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = nearest(word, known)
  return found === undefined ? '' : `; did you mean ${found}?`
}

/**
 * How many letters have to be put in, taken out or changed (the distance of Levenshtein); a quarter of that for an end that
 * was left out or is too much.
 */
function distanceOf(one: string, other: string): number {
  const isBeginning = one.startsWith(other) || other.startsWith(one)
  if (isBeginning && Math.min(one.length, other.length) > 3)
    return 1 + Math.abs(one.length - other.length) / 8
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 0; i < one.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j += 1)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(one[i] !== other[j])))
    row = next
  }
  return row[other.length]!
}
