/** A judgement as a gate tells it, and who is told. Does NOT say what became of it step by step: `explain.ts` does. */
import type { AuthScheme, Passage } from '../auth/auth.js'
import type { AuthError } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import type { AboutRequest } from '../kit/events.js'
import type { Requirement } from './policy/requirement.js'

/** One judgement in the making, or made: of a request, of a further demand, of a token. */
export interface Judged {
  readonly passage: Passage
  readonly phase: AboutRequest['phase']
  /** `undefined` where there is no listener, and for a refusal that came up later. */
  readonly startedMs: number | undefined
  /** The request; `undefined` outside of HTTP. Like the token only for the sentence that explains a refusal. */
  readonly facts?: RequestFacts | undefined
  /** As presented; `undefined` before it was found. */
  token?: string | undefined
  /** What the caller was held against. */
  readonly requirement: Requirement<never>
}

/** One judgement, made. */
export interface Seen {
  readonly judged: Judged
  readonly resource: string
  readonly scheme?: AuthScheme | undefined
  /** Of a caller that was let through. */
  readonly issuer?: string | undefined
  readonly error?: AuthError | undefined
  readonly answer?: HttpAnswer | undefined
}

/** Who is told of judgements: the development page, where there is one. Members never throw. */
export type Watchers = Set<(seen: Seen) => void>

/** Tells them. A caller let through is told of only where the judgement was measured: where events are heard. */
export function show(watchers: Watchers, seen: Seen): void {
  for (const watch of watchers) watch(seen)
}
