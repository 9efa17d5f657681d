import { sha256Base64url } from '#crypto'
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
import type { RequestFacts } from '../http/request-facts.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import type { AnswerHeaders, Guard, OptionalGuard, Refused } from './auth-result.js'
import type { Binding } from './binding/binding.js'
import { checkBound } from './binding/binding.js'
import { toAnswer } from './challenge/answer.js'
import { askAllow, askIsRevoked, compileGate, type Gate, type Question } from './compile-gate.js'
import type { Requirement } from './policy/requirement.js'
import { createReport, type Judged } from './report.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { RevocationList } from './revocation/revocation.js'
import type { VerifiedEntry } from './token/read-claims.js'
import { readCredentials } from './token/read-credentials.js'
import { checkTokenSize, type TokenVerifier, type TrustedToken } from './token/token-verifier.js'

/** What the gates of a server are made of. */
export interface GateSettings<Claims> {
  readonly options: ResourceServerSettings
  readonly tokens: TokenVerifier
  readonly binding: Binding
  readonly revocations: Pick<RevocationList, 'check'>
  readonly isRevoked: Question<Claims> | undefined
}

/** Makes guards for routes: the fixed list of steps a request goes through. */
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
export function createGates<Claims>({
  options,
  tokens,
  binding,
  revocations,
  isRevoked,
}: GateSettings<Claims>): Gates<Claims> {
  const { clock } = options.surroundings
  const exposed = options.cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : {}
  const compiled = new WeakMap<Requirement<Claims>, Gate<Claims>>()
  const guarded = new Set(options.resources.map(({ resource }) => resource))
  const tell = createReport(options)

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
    passage: Passage,
  ): Promise<Auth<Claims>> {
    checkTokenSize(token)
    const nowMs = clock()
    const hashed = sha256Base64url(token)
    const tokenHash = typeof hashed === 'string' ? hashed : await hashed
    passage.tokenHash = tokenHash
    const verified = tokens.verify(token, tokenHash, gate.resource, nowMs)
    const { entry, issuer } = verified instanceof Promise ? await verified : verified
    const checked = binding.check({
      facts,
      scheme,
      token,
      tokenHash,
      confirmation: entry.tokenClaims['cnf'],
      unknownConfirmation: issuer.unknownConfirmation,
      modes: gate.modes,
      resource: gate.resource.resource,
    })
    const { confirmation, responseHeaders } = checked instanceof Promise ? await checked : checked
    if (responseHeaders !== undefined) passage.headers = { ...exposed, ...responseHeaders }
    const verifiedToken = entry as typeof entry & { claims: Claims }
    const auth = new Auth<Claims>(
      token,
      scheme,
      gate.resource.resource,
      verifiedToken,
      confirmation,
      undefined,
      passage,
    )
    const meets = meetsRequirement(gate, auth, { entry, issuer }, nowMs)
    if (meets !== undefined) await meets
    return auth
  }

  /** Possession was shown by the very request that `auth` is of, and a proof is good for one use only. */
  function admitAgain(gate: Gate<Claims>, auth: Auth<Claims>): MaybePromise<void> {
    const nowMs = clock()
    const tokenHash = auth[passage].tokenHash ?? sha256Base64url(auth.token)
    const verified = whenReady(tokenHash, (hash) => tokens.verify(auth.token, hash, gate.resource, nowMs))
    return whenReady(verified, (trusted) => {
      checkBound(auth.scheme, auth.confirmation, gate.modes)
      return meetsRequirement(gate, auth, trusted, nowMs)
    })
  }

  function meetsRequirement(
    gate: Gate<Claims>,
    auth: Auth<Claims>,
    trusted: TrustedToken,
    nowMs: number,
  ): MaybePromise<void> {
    const unrevoked = checkRevocation(trusted.entry, auth)
    if (unrevoked !== undefined) return unrevoked.then(() => meetsRule(gate, auth, trusted, nowMs))
    return meetsRule(gate, auth, trusted, nowMs)
  }

  /** RFC 9470 §9: what a route demands is told to good tokens only. */
  function meetsRule(
    { rules, allow }: Gate<Claims>,
    auth: Auth<Claims>,
    { entry, issuer }: TrustedToken,
    nowMs: number,
  ): MaybePromise<void> {
    for (const hold of rules) hold(entry, nowMs, issuer.clockToleranceMs)
    return allow && askAllow(allow, auth)
  }

  function checkRevocation(entry: VerifiedEntry, auth: Auth<Claims>): MaybePromise<void> {
    const listed = revocations.check(entry)
    return isRevoked === undefined ? listed : whenReady(listed, () => askIsRevoked(isRevoked, auth))
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
    tell.accepted?.(auth, judged)
    return { ok: true as const, auth, headers: queryUsed ? { ...privateHeaders, ...headers } : headers }
  }

  function optionalGuard(requirement: Requirement<Claims>, anonymous = true): OptionalGuard<Claims> {
    const gate = gateFor(requirement)
    return async (facts) => {
      const judged = { phase: 'request', passage: new Passage(facts.request), startedMs: tell.clock?.() } as const
      let scheme: AuthScheme | undefined
      try {
        const read = readCredentials(facts, gate.resource, gate.modes.dpop !== 'off')
        scheme = read.scheme
        if (read.error === undefined) {
          const auth = await admit(gate, read.scheme, read.token, facts, judged.passage)
          return accept(auth, judged, read.method === 'query')
        }
        if (!anonymous || !(read.error instanceof MissingTokenError)) return refuse(read.error, gate, scheme, judged)
        tell.anonymous?.(gate.resource.resource, judged)
        return { ok: true, auth: undefined, headers: judged.passage.headers }
      } catch (thrown) {
        return refuse(thrown, gate, scheme, judged)
      }
    }
  }

  /** Judges a caller let through before; what is thrown or rejected with is the refusal, told of. */
  function demand(auth: Auth<Claims>, requirement: Requirement<Claims>, waits: boolean): MaybePromise<void> {
    const gate = gateFor(requirement)
    const judged = { phase: 'check', passage: auth[passage], startedMs: tell.clock?.() } as const
    const fail = (thrown: unknown): never => {
      throw refuse(thrown, gate, auth.scheme, judged).error
    }
    let outcome: MaybePromise<void>
    try {
      outcome = admitAgain(gate, auth)
    } catch (thrown) {
      return fail(thrown)
    }
    if (!(outcome instanceof Promise)) return tell.accepted?.(auth, judged)
    if (waits) return outcome.then(() => tell.accepted?.(auth, judged), fail)
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
      return refuse(copied(thrown), gate, caller?.scheme, { passage: its, phase: 'check', startedMs: undefined })
    },
    check: (auth, requirement) => void demand(auth, requirement, false),
    async checkAsync(auth, requirement) {
      await demand(auth, requirement, true)
    },
    async verify(token, requirement) {
      const gate = gateFor(requirement)
      const judged = { phase: 'token', passage: new Passage(), startedMs: tell.clock?.() } as const
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
