/** What is told of each judgement in events. Holds no token and no secret. */
import type { Auth, Passage } from '../auth/auth.js'
import { type AuthError, isAuthError, ownError, shownText } from '../errors/index.js'
import type { Sight } from '../explain/refusal.js'
import { refusalSentence } from '../explain/sentences.js'
import type { RequestFacts } from '../http/request-facts.js'
import { readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import type { Clock } from '../kit/clock.js'
import { emit, type PortcullisEvent } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import type { ResourceServerSettings } from './resource-server-options.js'

type Refusal = Extract<PortcullisEvent, { readonly type: 'auth.refused' }>

/** One judgement in the making, or made: of a request, of a further demand, of a token. */
export interface Judged {
  readonly passage: Passage
  readonly phase: Refusal['phase']
  /** `undefined` where there is no listener. */
  readonly startedMs: number | undefined
  /** The request; `undefined` outside of HTTP. Like the token only for the sentence that explains a refusal. */
  readonly facts?: RequestFacts | undefined
  /** As presented; `undefined` before it was found. */
  token?: string | undefined
}

/** Tells the listener what became of callers. Costs next to nothing where there is none. */
export interface AuthEvents {
  /** Tells when a judgement begins. `undefined` where there is no listener, like the next two. */
  readonly clock: Clock | undefined
  readonly accepted: ((auth: Auth<unknown>, judged: Judged) => void) | undefined
  readonly anonymous: ((resource: string, judged: Judged) => void) | undefined
  /** Gives the error to the request, tells of it, and returns it: another object where this one cannot be given. */
  refused(error: AuthError, resource: string, judged: Judged): AuthError
  /** Whether it is an error that was told of for this very request; for any request, where none is given. */
  isKnown(thrown: unknown, passage: Passage | undefined): thrown is AuthError
}

/** Makes the events of one server. */
export function createAuthEvents(options: ResourceServerSettings): AuthEvents {
  const { monotonicClock, explainRefusals } = options
  const { onEvent } = options.surroundings
  /** Each is of one request: what the application throws, for several perhaps, is copied. */
  const told = new WeakSet<AuthError>()

  function about({ passage, phase, startedMs }: Judged) {
    const durationMs = startedMs === undefined ? 0 : Math.max(0, monotonicClock() - startedMs)
    return { correlationId: passage.correlationId, phase, durationMs }
  }

  function tell(error: AuthError, resource: string, judged: Judged): void {
    const { code, status, callback, cause } = error
    const detail = error.detail === undefined ? undefined : shownText(error.detail)
    const explanation = explainRefusals ? explanationOf(error, judged) : {}
    emit(onEvent, { type: 'auth.refused', code, status, resource, detail, ...explanation, ...about(judged) })
    if (status !== 500 && callback === undefined) return
    const { correlationId } = judged.passage
    emit(onEvent, { type: 'application.failed', callback, errorName: failureCode(cause ?? error), correlationId })
  }

  const accepted: AuthEvents['accepted'] = ({ issuer, resource, scheme }, judged) =>
    emit(onEvent, { type: 'auth.accepted', issuer, resource, scheme, ...about(judged) })
  const anonymous: AuthEvents['anonymous'] = (resource, judged) =>
    emit(onEvent, { type: 'auth.anonymous', resource, ...about(judged) })

  return {
    clock: onEvent && monotonicClock,
    accepted: onEvent && accepted,
    anonymous: onEvent && anonymous,
    refused(error, resource, judged) {
      const own = ownError(error, judged.passage.correlationId)
      told.add(own)
      if (onEvent) tell(own, resource, judged)
      return own
    },
    isKnown(thrown, passage): thrown is AuthError {
      if (!isAuthError(thrown) || !told.has(thrown)) return false
      return passage === undefined || passage.correlationId === thrown.correlationId
    },
  }
}

function explanationOf(error: AuthError, { token, facts }: Judged) {
  const { expected, received } = error
  return { expected, received, sentence: refusalSentence({ error, ...sightOf(token, facts) }) }
}

/** What a sentence may tell of a request and its token, none of it checked. */
export function sightOf(token: string | undefined, facts: RequestFacts | undefined): Sight {
  const jws = token === undefined ? undefined : readCompactJws(token)
  return {
    header: jws && readJsonSegment(jws.headerSegment),
    claims: jws?.payload,
    authorization: fieldOf(facts),
  }
}

/** Facts may throw, and that may be the very refusal. */
function fieldOf(facts: RequestFacts | undefined): string | undefined {
  try {
    return facts?.headerValues('authorization')[0]
  } catch {
    return undefined
  }
}
