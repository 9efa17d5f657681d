/**
 * The one of `known` that `name` was most likely meant to be: the one with the fewest letters changed, else one that is
 * part of it or that it is part of. `undefined` when none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase()
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(given, candidate.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)
  const [best] = ranked
  if (best !== undefined && best.distance <= Math.max(2, Math.ceil(name.length / 3))) return best.candidate
  return known.find((candidate) => {
    const other = candidate.toLowerCase()
    return name.length > 2 && (other.includes(given) || given.includes(other))
  })
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...left].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...right].entries()) {
      const replaced = (row[j] as number) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
