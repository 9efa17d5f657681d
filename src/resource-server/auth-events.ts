/** What is told of each judgement in events. Holds no token and no secret. */
import type { Auth, AuthScheme, Passage } from '../auth/auth.js'
import { type AuthError, isAuthError, ownError, shownText, UnavailableError } from '../errors/index.js'
import type { Sight } from '../explain/refusal.js'
import { refusalSentence } from '../explain/sentences.js'
import type { RequestFacts } from '../http/request-facts.js'
import { readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import { emit } from '../kit/event-sink.js'
import type { PortcullisEvent } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import { type Judged, show, type Watchers } from './seen.js'

type Refusal = Extract<PortcullisEvent, { readonly type: 'auth.refused' }>

/** Tells listeners what became of callers. A caller let through is told of only where the judgement was measured. */
export interface AuthEvents {
  /** Tells of a request once, however many guards let it through. */
  accepted(auth: Auth<unknown>, judged: Judged): void
  anonymous(resource: string, judged: Judged): void
  /** Gives the error to the request, tells of it, and returns it: another object where this one cannot be given. */
  refused(error: AuthError, resource: string, scheme: AuthScheme | undefined, judged: Judged): AuthError
  /** Whether it is an error that was told of for this very request; for any request, where none is given. */
  isKnown(thrown: unknown, passage: Passage | undefined): thrown is AuthError
}

/** Makes the events of one server. */
export function createAuthEvents(options: ResourceServerSettings, watchers: Watchers): AuthEvents {
  const { monotonicClock, explainRefusals } = options
  const { onEvent } = options.surroundings
  /** Each is of one request: what the application throws, for several perhaps, is copied. */
  const told = new WeakSet<AuthError>()
  const admitted = new WeakSet<object>()
  const listed = new Set(options.issuers.map(({ issuer }) => issuer))

  function about({ passage, phase, startedMs, facts }: Judged) {
    const durationMs = startedMs === undefined ? 0 : Math.max(0, monotonicClock() - startedMs)
    return { correlationId: passage.correlationId, ...placeOf(facts), phase, durationMs }
  }

  /** Guards of one request are told apart by nothing but their order: the first one speaks for all. */
  function isFirst({ passage: { request }, phase }: Judged): boolean {
    if (request === undefined || phase !== 'request') return true
    if (admitted.has(request)) return false
    admitted.add(request)
    return true
  }

  /** Whether the entry of a token was told of before, while somebody listened. */
  const seen = new WeakSet<object>()

  function sourceOf({ passage: { verified } }: Judged): 'verified' | 'introspected' | 'cache' {
    if (verified === undefined || seen.has(verified.entry)) return 'cache'
    seen.add(verified.entry)
    return verified.entry.key === undefined ? 'introspected' : 'verified'
  }

  /** Names an issuer that is trusted here, and no other text of a token. */
  function issuerOf(token: string | undefined): string | undefined {
    const iss = token && readCompactJws(token)?.payload['iss']
    if (typeof iss !== 'string') return undefined
    const isKnown = options.resolver === undefined ? listed.has(iss) : isTenant(iss)
    return isKnown ? iss : undefined
  }

  function isTenant(iss: string): boolean {
    try {
      return options.isTenant(iss)
    } catch {
      return false
    }
  }

  function tell(error: AuthError, resource: string, scheme: AuthScheme | undefined, judged: Judged): void {
    const { code, status, callback, cause, oauthError } = error
    const retryAfterSeconds = error instanceof UnavailableError ? error.retryAfterSeconds : undefined
    const about401 = { resource, issuer: issuerOf(judged.token), scheme, oauthError, retryAfterSeconds }
    const detail = error.detail === undefined ? undefined : shownText(error.detail)
    const explanation = explainRefusals ? explanationOf(error, judged) : {}
    const kind = { code, status, fault: faultOf(status), handshake: handshakes.includes(code) }
    emit(onEvent, { type: 'auth.refused', ...kind, ...about401, detail, ...explanation, ...about(judged) })
    if (status !== 500 && callback === undefined) return
    const { correlationId } = judged.passage
    emit(onEvent, { type: 'application.failed', callback, errorName: failureCode(cause ?? error), correlationId })
  }

  return {
    accepted({ issuer, resource, scheme, confirmation, isClientToken }, judged) {
      show(watchers, { judged, resource, scheme, issuer })
      if (!isFirst(judged)) return
      const binding = bindingOf(confirmation)
      const source = sourceOf(judged)
      const kind = { issuer, resource, scheme, binding, isClientToken, source }
      emit(onEvent, { type: 'auth.accepted', ...kind, ...about(judged) })
    },
    anonymous(resource, judged) {
      if (judged.startedMs === undefined) return
      show(watchers, { judged, resource })
      emit(onEvent, { type: 'auth.anonymous', resource, ...about(judged) })
    },
    refused(error, resource, scheme, judged) {
      const own = ownError(error, judged.passage.correlationId)
      told.add(own)
      if (onEvent.isHeard()) tell(own, resource, scheme, judged)
      return own
    },
    isKnown(thrown, passage): thrown is AuthError {
      if (!isAuthError(thrown) || !told.has(thrown)) return false
      return passage === undefined || passage.correlationId === thrown.correlationId
    },
  }
}

/** Of a refusal that belongs to good traffic: a client that asks how to be let in. */
const handshakes: readonly string[] = ['ERR_TOKEN_MISSING', 'ERR_PROOF_NONCE']

function faultOf(status: AuthError['status']): Refusal['fault'] {
  if (status === 403) return 'policy'
  if (status === 500) return 'application'
  return status >= 502 ? 'dependency' : 'caller'
}

function bindingOf(confirmation: Auth<unknown>['confirmation']): 'none' | 'dpop' | 'mtls' | 'both' {
  const { jkt, 'x5t#S256': thumbprint } = confirmation ?? {}
  if (jkt === undefined) return thumbprint === undefined ? 'none' : 'mtls'
  return thumbprint === undefined ? 'dpop' : 'both'
}

const maxNameLength = 128

/** What the framework says of the request. Facts may throw, and then they say nothing. */
function placeOf(facts: RequestFacts | undefined) {
  try {
    return { method: name(facts?.method), route: name(facts?.route?.()), requestId: name(facts?.requestId?.()) }
  } catch {
    return {}
  }
}

/** Nearly all are short and plain, and need no second look. */
const plainName = /^[\w/:*-]{1,64}$/

function name(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  return plainName.test(text) ? text : shownText(text.slice(0, maxNameLength))
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
