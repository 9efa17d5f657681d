/** The guards of one server, and the fixed list of steps they take. Does NOT write answers: see refusals.ts. */
import { sha256Base64url } from '#crypto'
import { Auth, type AuthScheme, Passage, passage } from '../auth/auth.js'
import { ConfigurationError, InvalidRequestError, InvalidTokenError, MissingTokenError } from '../errors/index.js'
import type { RequestFacts } from '../http/request-facts.js'
import { maxTokenLength } from '../jws/compact-jws.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import type { RevocationList } from '../revocation/revocation.js'
import { createAuthEvents } from './auth-events.js'
import type { AnswerHeaders, Guard, OptionalGuard, Refused } from './auth-result.js'
import { type Binding, checkBound } from './binding/binding.js'
import { askAllow, askIsRevoked, compileGate, type Gate, type Question } from './compile-gate.js'
import type { Requirement } from './policy/requirement.js'
import { createRefusals } from './refusals.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { Judged, Watchers } from './seen.js'
import { readCredentials } from './token/read-credentials.js'
import type { TokenVerifier, TrustedToken } from './token/token-verifier.js'

/** What the gates of one server are made of. */
export interface GatesSettings<Claims> {
  readonly options: ResourceServerSettings
  readonly tokens: TokenVerifier
  readonly binding: Binding
  readonly revocations: Pick<RevocationList, 'check' | 'isEmpty'>
  readonly isRevoked: Question<Claims> | undefined
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
  /**
   * Holds a token, and how it came, against a gate: size, token, binding, revocation, requirement, in this order.
   *
   * @param facts - the request; `undefined` outside of HTTP.
   * @param isRehearsal - to find out what would become of the request: a proof is not used up by it. Default false.
   * @throws {@link AuthError}
   */
  admit(
    gate: Gate<Claims>,
    scheme: AuthScheme,
    token: string,
    facts: RequestFacts | undefined,
    passage: Passage,
    isRehearsal?: boolean,
  ): Promise<Auth<Claims>>
}

const mustWait =
  '`server.check` would have to wait: for `allow`, `isRevoked`, a revocation store, introspection or keys. ' +
  'Write `await server.checkAsync(auth, requirement)`.'
const privateHeaders: AnswerHeaders = Object.freeze({ 'Cache-Control': 'private' })

/** Makes the gates of one server. */
export function createGates<Claims>({
  options,
  tokens,
  binding,
  revocations,
  isRevoked,
  watchers,
}: GatesSettings<Claims>): Gates<Claims> {
  const { monotonicClock, cors } = options
  const { clock, onEvent } = options.surroundings
  const compiled = new WeakMap<Requirement<Claims>, Gate<Claims>>()
  const exposed = cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : {}
  const tell = createAuthEvents(options, watchers)
  const { refuse, refuseLater } = createRefusals<Claims>(options, tell, watchers)

  function gateFor(requirement: Requirement<Claims>): Gate<Claims> {
    const known = compiled.get(requirement)
    if (known !== undefined) return known
    const gate = compileGate(options, requirement)
    compiled.set(requirement, gate)
    return gate
  }

  async function admit(
    gate: Gate<Claims>,
    scheme: AuthScheme,
    token: string,
    facts: RequestFacts | undefined,
    its: Passage,
    isRehearsal = false,
  ): Promise<Auth<Claims>> {
    if (token.length > maxTokenLength) throw new InvalidTokenError('ERR_TOKEN_TOO_LARGE')
    const nowMs = clock()
    const hashed = sha256Base64url(token)
    const tokenHash = typeof hashed === 'string' ? hashed : await hashed
    its.tokenHash = tokenHash
    const verified = tokens.verify(token, tokenHash, gate.resource, nowMs)
    const trusted = verified instanceof Promise ? await verified : verified
    const { entry, issuer } = trusted
    its.verified = entry
    const checked = binding.check({
      facts,
      scheme,
      token,
      tokenHash,
      confirmation: entry.tokenClaims['cnf'],
      unknownConfirmation: issuer.unknownConfirmation,
      modes: gate.modes,
      resource: gate.resource.resource,
      isRehearsal,
    })
    const { confirmation, responseHeaders } = checked instanceof Promise ? await checked : checked
    if (responseHeaders !== undefined) its.headers = { ...exposed, ...responseHeaders }
    const verifiedToken = entry as typeof entry & { claims: Claims }
    const auth = new Auth<Claims>(token, scheme, gate.resource.resource, verifiedToken, confirmation, undefined, its)
    const met = meetRequirement(gate, auth, trusted, nowMs)
    if (met !== undefined) await met
    return auth
  }

  /** Possession was shown by the request that `auth` is of, and a proof is good once. Throws at once or rejects. */
  function admitAgain(gate: Gate<Claims>, auth: Auth<Claims>): MaybePromise<void> {
    const nowMs = clock()
    const tokenHash = auth[passage].tokenHash ?? sha256Base64url(auth.token)
    const verified = whenReady(tokenHash, (hash) => tokens.verify(auth.token, hash, gate.resource, nowMs))
    return whenReady(verified, (trusted) => {
      checkBound(auth.scheme, auth.confirmation, gate.modes)
      return meetRequirement(gate, auth, trusted, nowMs)
    })
  }

  function meetRequirement(
    gate: Gate<Claims>,
    auth: Auth<Claims>,
    trusted: TrustedToken,
    nowMs: number,
  ): MaybePromise<void> {
    const listed = revocations.isEmpty ? undefined : revocations.check(trusted.entry)
    const unrevoked = isRevoked === undefined ? listed : whenReady(listed, () => askIsRevoked(isRevoked, auth))
    if (unrevoked !== undefined) return unrevoked.then(() => meetRules(gate, auth, trusted, nowMs))
    return meetRules(gate, auth, trusted, nowMs)
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
    return async (facts) => {
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
        return accept(await admit(gate, 'Bearer', token, undefined, judged.passage), judged, false).auth
      } catch (thrown) {
        throw refuse(thrown, gate, 'Bearer', judged).error
      }
    },
  }
}

/** RFC 9470 §9: what a route demands is told to good tokens only. */
function meetRules<Claims>(
  { rules, allow }: Gate<Claims>,
  auth: Auth<Claims>,
  { entry, issuer }: TrustedToken,
  nowMs: number,
): MaybePromise<void> {
  for (const hold of rules) hold(entry, nowMs, issuer.clockToleranceMs)
  return allow && askAllow(allow, auth)
}
