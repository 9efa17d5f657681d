import { Auth, type AuthScheme, Passage, passage } from '../auth/auth.js'
import {
  type AuthError,
  ConfigurationError,
  copyError,
  InternalError,
  InvalidRequestError,
  isAuthError,
  MissingTokenError,
} from '../errors/index.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import type { Admission } from './admission.js'
import { createAuthEvents, type Judged } from './auth-events.js'
import type { AnswerHeaders, Guard, OptionalGuard, Refused } from './auth-result.js'
import { toAnswer } from './challenge/answer.js'
import { compileGate, type Gate } from './compile-gate.js'
import type { Requirement } from './policy/requirement.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import { readCredentials } from './token/read-credentials.js'

/** Makes guards for routes: credentials, the steps of {@link Admission}, and the answer. */
export interface Gates<Claims> {
  guard(requirement: Requirement<Claims>): Guard<Claims>
  optionalGuard(requirement: Requirement<Claims>): OptionalGuard<Claims>
  verify(token: string, requirement: Requirement<Claims>): Promise<Auth<Claims>>
  check(auth: Auth<Claims>, requirement: Requirement<Claims>): void
  checkAsync(auth: Auth<Claims>, requirement: Requirement<Claims>): Promise<void>
  refuse(thrown: unknown, auth: Auth<unknown> | undefined): Refused
}

const mustWait =
  '`server.check` would have to wait: for `allow`, `isRevoked`, a revocation store, introspection or keys. ' +
  'Write `await server.checkAsync(auth, requirement)`.'
const privateHeaders: AnswerHeaders = Object.freeze({ 'Cache-Control': 'private' })

/** Makes the gates of one server. */
export function createGates<Claims>(
  options: ResourceServerSettings,
  { admit, admitAgain }: Admission<Claims>,
): Gates<Claims> {
  const compiled = new WeakMap<Requirement<Claims>, Gate<Claims>>()
  const guarded = new Set(options.resources.map(({ resource }) => resource))
  const tell = createAuthEvents(options)

  function gateFor(requirement: Requirement<Claims>): Gate<Claims> {
    const known = compiled.get(requirement)
    if (known !== undefined) return known
    const gate = compileGate(options, requirement)
    compiled.set(requirement, gate)
    return gate
  }

  function refuse(thrown: unknown, gate: Gate<Claims>, scheme: AuthScheme | undefined, judged: Judged): Refused {
    const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
    return refused(tell.refused(error, gate.resource.resource, judged), gate, scheme, judged.passage)
  }

  function refused(
    error: AuthError,
    gate: Gate<Claims>,
    scheme: AuthScheme | undefined,
    { headers }: Passage,
  ): Refused {
    const answer = toAnswer(error, { ...gate.answerContext, scheme })
    const fault = error.status === 500
    return { ok: false, error, answer: { ...answer, headers: { ...headers, ...answer.headers } }, fault }
  }

  function accept(auth: Auth<Claims>, judged: Judged, queryUsed: boolean) {
    const { headers } = judged.passage
    tell.accepted(auth, judged)
    return { ok: true as const, auth, headers: queryUsed ? { ...privateHeaders, ...headers } : headers }
  }

  function optionalGuard(requirement: Requirement<Claims>, anonymous = true): OptionalGuard<Claims> {
    const gate = gateFor(requirement)
    return async (facts) => {
      const its = new Passage(facts.request)
      const judged: Judged = { phase: 'request', passage: its, startedMs: tell.start(), facts, token: undefined }
      let scheme: AuthScheme | undefined
      try {
        const read = readCredentials(facts, gate.resource, gate.modes.dpop !== 'off')
        scheme = read.scheme
        judged.token = read.token
        if (read.error === undefined) {
          const auth = await admit(gate, read.scheme, read.token, facts, its)
          return accept(auth, judged, read.method === 'query')
        }
        if (!anonymous || !(read.error instanceof MissingTokenError)) return refuse(read.error, gate, scheme, judged)
        tell.anonymous(gate.resource.resource, judged)
        return { ok: true, auth: undefined, headers: its.headers }
      } catch (thrown) {
        return refuse(thrown, gate, scheme, judged)
      }
    }
  }

  /** Judges a caller let through before; what is thrown or rejected with is the refusal, told of. */
  function demand(auth: Auth<Claims>, requirement: Requirement<Claims>, waits: boolean): MaybePromise<void> {
    const gate = gateFor(requirement)
    const judged: Judged = { phase: 'check', passage: auth[passage], startedMs: tell.start(), token: auth.token }
    const fail = (thrown: unknown): never => {
      throw refuse(thrown, gate, auth.scheme, judged).error
    }
    let outcome: MaybePromise<void>
    try {
      outcome = admitAgain(gate, auth)
    } catch (thrown) {
      return fail(thrown)
    }
    if (!(outcome instanceof Promise)) return tell.accepted(auth, judged)
    if (waits) return outcome.then(() => tell.accepted(auth, judged), fail)
    outcome.catch(() => {})
    return fail(new ConfigurationError(mustWait))
  }

  return {
    optionalGuard,
    guard: (requirement) => optionalGuard(requirement, false) as Guard<Claims>,
    refuse(thrown, auth) {
      const caller = auth instanceof Auth && guarded.has(auth.resource) ? auth : undefined
      const gate = compileGate<Claims>(options, { resource: caller?.resource ?? options.resources[0]?.resource })
      const its = caller?.[passage] ?? new Passage()
      if (tell.isKnown(thrown, caller?.[passage])) return refused(thrown, gate, caller?.scheme, its)
      return refuse(copied(thrown), gate, caller?.scheme, {
        passage: its,
        phase: 'check',
        startedMs: undefined,
        token: caller?.token,
      })
    },
    check: (auth, requirement) => void demand(auth, requirement, false),
    async checkAsync(auth, requirement) {
      await demand(auth, requirement, true)
    },
    async verify(token, requirement) {
      const gate = gateFor(requirement)
      const startedMs = tell.start()
      const judged: Judged = { phase: 'token', passage: new Passage(), startedMs, token }
      try {
        if (typeof token !== 'string') throw new InvalidRequestError('ERR_REQUEST_MALFORMED')
        return accept(await admit(gate, 'Bearer', token, undefined, judged.passage), judged, false).auth
      } catch (thrown) {
        throw refuse(thrown, gate, 'Bearer', judged).error
      }
    },
  }
}

/** What the application throws may be one object for many requests. */
function copied(thrown: unknown): unknown {
  try {
    return isAuthError(thrown) ? copyError(thrown) : thrown
  } catch (unreadable) {
    return unreadable
  }
}
