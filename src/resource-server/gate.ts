/** The guards of one server, and the fixed list of steps they take. Does NOT write answers: see refusals.ts. */
import { type Auth, type AuthScheme, Passage, passage } from '../auth/auth.js'
import { ConfigurationError, InvalidRequestError, MissingTokenError } from '../errors/index.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import { type Admission, type AdmissionSettings, createAdmission } from './admission.js'
import { createAuthEvents } from './auth-events.js'
import type { AnswerHeaders, Guard, OptionalAuthResult, OptionalGuard, Refused } from './auth-result.js'
import { compileGate, type Gate } from './compile-gate.js'
import type { Requirement } from './policy/requirement.js'
import { createRefusals } from './refusals.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { Judged, Watchers } from './seen.js'
import { type Credentials, readCredentials } from './token/read-credentials.js'

/** What the gates of one server are made of. */
export interface GatesSettings<Claims> extends Omit<AdmissionSettings<Claims>, 'clock' | 'exposed'> {
  readonly options: ResourceServerSettings
  readonly watchers: Watchers
}

/** Makes guards for routes: credentials, the steps, and the answer. */
export interface Gates<Claims> {
  guard(requirement: Requirement<Claims>): Guard<Claims>
  optionalGuard(requirement: Requirement<Claims>): OptionalGuard<Claims>
  verify(token: string, requirement: Requirement<Claims>): Promise<Auth<Claims>>
  check(auth: Auth<Claims>, requirement: Requirement<Claims>): void
  checkAsync(auth: Auth<Claims>, requirement: Requirement<Claims>): Promise<void>
  refuse(thrown: unknown, auth: Auth<unknown> | undefined): Refused
  readonly admit: Admission<Claims>['admit']
}

const mustWait =
  '`server.check` would have to wait: for `allow`, `isRevoked`, a revocation store, introspection or keys. ' +
  'Write `await server.checkAsync(auth, requirement)`.'
const privateHeaders: AnswerHeaders = Object.freeze({ 'Cache-Control': 'private' })

/** Makes the gates of one server. */
export function createGates<Claims>({ options, watchers, ...parts }: GatesSettings<Claims>): Gates<Claims> {
  const { monotonicClock, cors } = options
  const { clock, onEvent } = options.surroundings
  const compiled = new WeakMap<Requirement<Claims>, Gate<Claims>>()
  const exposed: AnswerHeaders = cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : {}
  const { admit, admitAgain } = createAdmission<Claims>({ ...parts, clock, exposed })
  const tell = createAuthEvents(options, watchers)
  const { refuse, refuseLater } = createRefusals<Claims>(options, tell, watchers)

  function gateFor(requirement: Requirement<Claims>): Gate<Claims> {
    const known = compiled.get(requirement)
    if (known !== undefined) return known
    const gate = compileGate(options, requirement)
    compiled.set(requirement, gate)
    return gate
  }

  /** Without a listener nothing is measured and nothing told. */
  function start(): number | undefined {
    return onEvent.isHeard() ? monotonicClock() : undefined
  }

  function accept(auth: Auth<Claims>, judged: Judged, queryUsed: boolean) {
    const { headers } = judged.passage
    if (judged.startedMs !== undefined) tell.accepted(auth, judged)
    return { ok: true as const, auth, headers: queryUsed ? { ...privateHeaders, ...headers } : headers }
  }

  function optionalGuard(requirement: Requirement<Claims>, anonymous = true): OptionalGuard<Claims> {
    const gate = gateFor(requirement)

    function judge(judged: Judged, read: Credentials): MaybePromise<OptionalAuthResult<Claims>> {
      const { scheme, token, error } = read
      if (error === undefined) {
        const { facts, passage: its } = judged
        const admitted = admit({ gate, scheme, token, facts, passage: its, isRehearsal: false })
        const queryUsed = read.method === 'query'
        if (!(admitted instanceof Promise)) return accept(admitted, judged, queryUsed)
        return admitted
          .then((auth) => accept(auth, judged, queryUsed))
          .catch((thrown) => refuse(thrown, gate, scheme, judged))
      }
      if (!anonymous || !(error instanceof MissingTokenError)) return refuse(error, gate, scheme, judged)
      tell.anonymous(gate.resource.resource, judged)
      return { ok: true, auth: undefined, headers: judged.passage.headers }
    }

    return (facts) => {
      const its = new Passage(facts.request)
      const judged: Judged = {
        phase: 'request',
        passage: its,
        startedMs: start(),
        facts,
        token: undefined,
        requirement,
      }
      let scheme: AuthScheme | undefined
      try {
        const read = readCredentials(facts, gate.resource, gate.modes.dpop !== 'off')
        scheme = read.scheme
        judged.token = read.token
        return judge(judged, read)
      } catch (thrown) {
        return refuse(thrown, gate, scheme, judged)
      }
    }
  }

  /** Judges a caller let through before; what is thrown or rejected with is the refusal, told of. */
  function demand(auth: Auth<Claims>, requirement: Requirement<Claims>, waits: boolean): MaybePromise<void> {
    const gate = gateFor(requirement)
    const judged: Judged = {
      phase: 'check',
      passage: auth[passage],
      startedMs: start(),
      token: auth.token,
      requirement,
    }
    const pass = (): void => void accept(auth, judged, false)
    const fail = (thrown: unknown): never => {
      throw refuse(thrown, gate, auth.scheme, judged).error
    }
    let outcome: MaybePromise<void>
    try {
      outcome = admitAgain(gate, auth)
    } catch (thrown) {
      return fail(thrown)
    }
    if (!(outcome instanceof Promise)) return pass()
    if (waits) return outcome.then(pass, fail)
    outcome.catch(() => {})
    return fail(new ConfigurationError(mustWait))
  }

  return {
    admit,
    optionalGuard,
    guard: (requirement) => optionalGuard(requirement, false) as Guard<Claims>,
    refuse: refuseLater,
    check: (auth, requirement) => void demand(auth, requirement, false),
    async checkAsync(auth, requirement) {
      await demand(auth, requirement, true)
    },
    async verify(token, requirement) {
      const gate = gateFor(requirement)
      const judged: Judged = {
        phase: 'token',
        passage: new Passage(),
        startedMs: start(),
        token: undefined,
        requirement,
      }
      try {
        if (typeof token !== 'string') throw new InvalidRequestError('ERR_REQUEST_MALFORMED')
        judged.token = token
        const { passage: its } = judged
        const presented = { gate, scheme: 'Bearer', token, facts: undefined, passage: its, isRehearsal: false } as const
        return accept(await admit(presented), judged, false).auth
      } catch (thrown) {
        throw refuse(thrown, gate, 'Bearer', judged).error
      }
    },
  }
}
