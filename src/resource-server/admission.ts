/** The fixed list of steps a request goes through. Does NOT read the credentials, tell of anything, or answer. */
import { sha256Base64url } from '#crypto'
import { Auth, type AuthScheme, type Passage, passage } from '../auth/auth.js'
import type { RequestFacts } from '../http/request-facts.js'
import { checkTokenSize } from '../jws/compact-jws.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import type { RevocationList } from '../revocation/revocation.js'
import type { Binding } from './binding/binding.js'
import { checkBound } from './binding/binding.js'
import { askAllow, askIsRevoked, type Gate, type Question } from './compile-gate.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { VerifiedEntry } from './token/read-claims.js'
import type { TokenVerifier, TrustedToken } from './token/token-verifier.js'

/** What an {@link Admission} is made of. */
export interface AdmissionSettings<Claims> {
  readonly options: ResourceServerSettings
  readonly tokens: TokenVerifier
  readonly binding: Binding
  readonly revocations: Pick<RevocationList, 'check'>
  readonly isRevoked: Question<Claims> | undefined
}

/** Lets callers through, or throws the refusal. */
export interface Admission<Claims> {
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
  /**
   * Possession was shown by the very request that `auth` is of, and a proof is good for one use only. Throws
   * synchronously or rejects.
   */
  admitAgain(gate: Gate<Claims>, auth: Auth<Claims>): MaybePromise<void>
}

/** Makes the admission of one server. */
export function createAdmission<Claims>({
  options,
  tokens,
  binding,
  revocations,
  isRevoked,
}: AdmissionSettings<Claims>): Admission<Claims> {
  const { clock } = options.surroundings
  const exposed = options.cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : {}

  async function admit(
    gate: Gate<Claims>,
    scheme: AuthScheme,
    token: string,
    facts: RequestFacts | undefined,
    passage: Passage,
    isRehearsal = false,
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
      isRehearsal,
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

  return { admit, admitAgain }
}
