/** The last lines, each cut to size, as text that is ready to be sent. */
import type { RequestRow, Row } from './wire.js'

/** Lines from a place on. */
export interface Lines {
  /** JSON, in order. */
  readonly texts: readonly string[]
  /** The place to go on from. */
  readonly next: number
  /** How many were forgotten before they could be asked for. */
  readonly dropped: number
}

/** The last lines. */
export interface Ring {
  add(row: Row): void
  /** At most `limit` lines behind the place `after`; 0 is the beginning. */
  after(place: number, limit: number): Lines
}

const maxLines = 500
const maxLineBytes = 4096
const maxTargetCharacters = 200

/** Makes a ring of 500 lines of at most 4 KiB. */
export function createRing(): Ring {
  const texts: string[] = []
  let total = 0
  return {
    add(row) {
      total += 1
      texts.push(fitted(row))
      if (texts.length > maxLines) texts.shift()
    },
    after(place, limit) {
      const oldest = total - texts.length
      // A place of another run, ahead of all there is, begins anew.
      const known = place > total ? 0 : place
      const start = Math.max(known, oldest)
      const found = texts.slice(start - oldest, start - oldest + limit)
      return { texts: found, next: start + found.length, dropped: start - known }
    },
  }
}

/** What is too long loses what can be missed best. */
function fitted(row: Row): string {
  const forms = row.kind === 'request' ? shorterForms(row) : [row, { ...row, members: [] }]
  let text = ''
  for (const form of forms) {
    text = JSON.stringify(form)
    if (Buffer.byteLength(text) <= maxLineBytes) break
  }
  return text
}

function shorterForms(row: RequestRow): readonly RequestRow[] {
  const token = row.token && { ...row.token, claims: [['…', 'too long to be shown'] as const] }
  const named = { ...row, token: token && { ...token, header: [] } }
  const steps = row.steps.map(([name, outcome]) => [name, outcome] as const)
  const bare = { ...named, steps: [], fields: [], challenges: [], sentence: undefined }
  // What a sender wrote, escaped, may still be longer than a line.
  const target = row.target && `${row.target.slice(0, maxTargetCharacters)}…`
  const cut = { ...bare, target, method: undefined, route: undefined, requestId: undefined, token: undefined }
  return [row, { ...row, token }, named, { ...named, steps }, bare, cut]
}
