/** A refusal about to be put into words, and how values stand in sentences. Does NOT write the words. */
import { type AuthError, type Shown, shown } from '../errors/index.js'

/** What can be seen of a refused request beside its error. Nothing of it needs to have been checked. */
export interface Sight {
  /** The header of the JWT. */
  readonly header?: Readonly<Record<string, unknown>> | undefined
  /** The payload of the JWT. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  /** The value of the `Authorization` field, from which nothing but its scheme is told. */
  readonly authorization?: string | undefined
}

/** A refusal about to be put into words. */
export interface Refusal extends Sight {
  readonly error: AuthError
}

/** Writes the sentence of a refusal. */
export type Sentence = string | ((refusal: Refusal) => string)

/** A shown value in a sentence: `"a", "b"`; `nothing` for none. */
export function quoted(value: Shown | undefined): string {
  if (value === undefined || (typeof value === 'object' && value.length === 0)) return 'nothing'
  return typeof value === 'object' ? value.map((item) => JSON.stringify(item)).join(', ') : JSON.stringify(value)
}

/** Takes whatever a sender wrote into a sentence. */
export function quote(value: unknown): string {
  return quoted(shown(value))
}
