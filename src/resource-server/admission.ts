/** The steps that a token takes through a gate, in their order. Does NOT read it out of a request, nor answer. */
import { sha256Base64url } from '#crypto'
import { Auth, type AuthScheme, type Passage, passage } from '../auth/auth.js'
import { InvalidTokenError } from '../errors/index.js'
import type { RequestFacts } from '../http/request-facts.js'
import { maxTokenLength } from '../jws/compact-jws.js'
import type { Clock } from '../kit/clock.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import type { RevocationList } from '../revocation/revocation.js'
import type { AnswerHeaders } from './auth-result.js'
import { type Binding, type BindingResult, checkBound, unbound } from './binding/binding.js'
import { askAllow, askIsRevoked, type Gate, type Question } from './compile-gate.js'
import type { TokenVerifier, TrustedToken } from './token/token-verifier.js'

/** What the admission of one server is made of. */
export interface AdmissionSettings<Claims> {
  readonly clock: Clock
  readonly tokens: TokenVerifier
  readonly binding: Binding
  readonly revocations: Pick<RevocationList, 'check' | 'isEmpty'>
  readonly isRevoked: Question<Claims> | undefined
  /** Fields that go with those of a binding. */
  readonly exposed: AnswerHeaders
}

/** A token as it was presented to a gate. */
export interface Presented<Claims> {
  readonly gate: Gate<Claims>
  readonly scheme: AuthScheme
  readonly token: string
  /** The request; `undefined` outside of HTTP. */
  readonly facts: RequestFacts | undefined
  readonly passage: Passage
  /** To find out what would become of the request: a proof is not used up by it. */
  readonly isRehearsal: boolean
}

/** Holds tokens against gates. Both answer at once where nothing waits; both throw at once or reject. */
export interface Admission<Claims> {
  /**
   * Size, token, binding, revocation, requirement, in this order.
   *
   * @throws {@link AuthError}
   */
  admit(presented: Presented<Claims>): MaybePromise<Auth<Claims>>
  /**
   * The same for a caller let through before, without the binding: possession was shown by the request that `auth` is of,
   * and a proof is good once.
   */
  admitAgain(gate: Gate<Claims>, auth: Auth<Claims>): MaybePromise<void>
}

/** Makes the admission of one server. */
export function createAdmission<Claims>(settings: AdmissionSettings<Claims>): Admission<Claims> {
  const { clock, tokens, binding, revocations, isRevoked, exposed } = settings

  function admitHashed(
    presented: Presented<Claims>,
    tokenHash: string | undefined,
    nowMs: number,
  ): MaybePromise<Auth<Claims>> {
    const { gate, token, passage: its } = presented
    its.tokenHash = tokenHash
    const verified = tokens.verify(token, tokenHash, gate.resource, nowMs)
    if (verified instanceof Promise) return verified.then((trusted) => admitTrusted(presented, trusted, nowMs))
    return admitTrusted(presented, verified, nowMs)
  }

  function admitTrusted(
    presented: Presented<Claims>,
    trusted: TrustedToken,
    nowMs: number,
  ): MaybePromise<Auth<Claims>> {
    presented.passage.verified = trusted
    const bound = checkBinding(presented, trusted)
    if (bound instanceof Promise) return bound.then((result) => admitBound(presented, trusted, result, nowMs))
    return admitBound(presented, trusted, bound, nowMs)
  }

  /** A token that names no key and no certificate needs no more than its scheme to be looked at. */
  function checkBinding(presented: Presented<Claims>, { entry, issuer }: TrustedToken): MaybePromise<BindingResult> {
    const { gate, scheme, token, facts, isRehearsal, passage: its } = presented
    const confirmation = entry.tokenClaims['cnf']
    if (confirmation === undefined) {
      checkBound(scheme, undefined, gate.modes)
      return unbound
    }
    return binding.check({
      facts,
      scheme,
      token,
      tokenHash: its.tokenHash,
      confirmation,
      unknownConfirmation: issuer.unknownConfirmation,
      modes: gate.modes,
      resource: gate.resource.resource,
      isRehearsal,
    })
  }

  function admitBound(
    { gate, scheme, token, passage: its }: Presented<Claims>,
    trusted: TrustedToken,
    { confirmation, responseHeaders }: BindingResult,
    nowMs: number,
  ): MaybePromise<Auth<Claims>> {
    if (responseHeaders !== undefined) its.headers = { ...exposed, ...responseHeaders }
    const entry = trusted.entry as TrustedToken['entry'] & { claims: Claims }
    const auth = new Auth<Claims>(token, scheme, gate.resource.resource, entry, confirmation, undefined, its)
    const met = meetRequirement(gate, auth, trusted, nowMs)
    return met === undefined ? auth : met.then(() => auth)
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

  return {
    admit(presented) {
      const { token } = presented
      if (token.length > maxTokenLength) throw new InvalidTokenError('ERR_TOKEN_TOO_LARGE')
      const nowMs = clock()
      const hashed = tokens.remembersAny ? (sha256Base64url(token) as MaybePromise<string>) : undefined
      if (hashed === undefined || typeof hashed === 'string') return admitHashed(presented, hashed, nowMs)
      return hashed.then((tokenHash) => admitHashed(presented, tokenHash, nowMs))
    },
    admitAgain(gate, auth) {
      const nowMs = clock()
      const { verified: before, tokenHash: known } = auth[passage]
      const tokenHash = tokens.remembersAny ? (known ?? sha256Base64url(auth.token)) : undefined
      const verified = whenReady(tokenHash, (hash) =>
        tokens.verify(auth.token, hash, gate.resource, nowMs, before as TrustedToken | undefined),
      )
      return whenReady(verified, (trusted) => {
        checkBound(auth.scheme, auth.confirmation, gate.modes)
        return meetRequirement(gate, auth, trusted, nowMs)
      })
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
