/** Finds the name that somebody probably meant. */

/**
 * Returns the one of `names` that is nearest to `text`, or undefined when none is near: at most a third of its characters,
 * and one at least, may be wrong. Upper and lower case make no difference.
 */
export function nearestOf(text: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Infinity
  for (const name of names) {
    const mayDiffer = Math.max(1, Math.floor(name.length / 3))
    // Each character too many or too few is a difference.
    if (Math.abs(text.length - name.length) > mayDiffer) continue
    const differences = editDistance(text.toLowerCase(), name)
    if (differences <= mayDiffer && differences < least) [nearest, least] = [name, differences]
  }
  return nearest
}

/**
 * Counts the characters to be put in, left out, changed, or swapped with their neighbour to make `b` of `a` (Damerau and
 * Levenshtein, optimal string alignment).
 */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : Infinity
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, changed, swapped))
    }
    ;[beforeLast, last] = [last, row]
  }
  return last[b.length]!
}
