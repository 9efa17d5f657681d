import { sha256Base64url } from '#crypto'
import { InvalidRequestError, InvalidTokenError } from '../../errors/index.js'
import type { Discovery } from '../../issuer/discovery.js'
import { ownClaims, readCompactJws, readJsonSegment, shareTexts } from '../../jws/compact-jws.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import type { TokenTarget } from './audience.js'
import type { ClaimsTest } from './claim-conditions.js'
import { applyClaimsSchema, type ClaimsSchema } from './claims-schema.js'
import type { Introspector } from './introspect.js'
import type { IssuerSettings } from './issuer-options.js'
import type { VerifiedEntry } from './read-claims.js'
import { isToken68 } from './read-credentials.js'
import { isForeignJwt } from './token-type.js'
import { type JwtSettings, verifyJwt } from './verify-jwt.js'

/** One trusted authorization server at work: its rules, its keys, its metadata. */
export interface Issuer extends JwtSettings {
  /** Accepted `aud` values by resource; `undefined`: those of the resource. */
  readonly audiences: ReadonlyMap<string, readonly string[]> | undefined
  /** What stands for an absent `aud`, by resource; `undefined`: nothing has to, where the rules let it be absent. */
  readonly standIns: ReadonlyMap<string, readonly ClaimsTest[]> | undefined
  readonly unknownConfirmation: 'refuse' | 'ignore'
  readonly discovery: Discovery
  readonly settings: IssuerSettings
  /** `undefined` where the issuer's tokens are never introspected. */
  readonly introspector: Introspector | undefined
}

/** An issuer with an introspection endpoint. */
export interface IntrospectingIssuer extends Issuer {
  readonly introspector: Introspector
}

/** The issuers of one server. */
export interface IssuerRegistry {
  /**
   * The issuer with exactly this identifier. Asks the resolver function only for one on the allow-list.
   *
   * @throws {@link UnavailableError} when the resolver function fails, or takes more than 5 s.
   */
  find(issuer: string): MaybePromise<Issuer | undefined>
  /** The issuer to ask about tokens of this resource that are no JWTs. Always `undefined` under an issuer function. */
  findOpaque(resource: TokenTarget): IntrospectingIssuer | undefined
  /** Whether tokens of that issuer may be accepted at all. */
  trusts(issuer: string): boolean
  /** Whether an issuer found before may be trusted no longer: {@link IssuerRegistry.trusts} is then asked at each use. */
  readonly mayChange: boolean
  /** Those known so far. */
  known(): readonly Issuer[]
}

/** Whether tokens of an issuer can be introspected. */
export function isIntrospecting(issuer: Issuer): issuer is IntrospectingIssuer {
  return issuer.introspector !== undefined
}

/** Whether tokens of `issuer` may be accepted for `resource`. */
export function maySpeakFor(resource: TokenTarget, issuer: string): boolean {
  return resource.onlyIssuers === undefined || resource.onlyIssuers.has(issuer)
}

/** A verified token together with the issuer that vouches for it. */
export interface TrustedToken {
  readonly entry: VerifiedEntry
  readonly issuer: Issuer
}

/** Turns raw tokens into trusted ones, remembering what it verified. */
export interface TokenVerifier {
  /**
   * Verifies a token for one resource: issuer, signature, claims, audience, claims schema. A token that is not a JWT, and a
   * JWT of an issuer that says so, is introspected instead. Does not judge its binding. Throws synchronously or rejects.
   *
   * @param tokenHash - SHA-256 of the token: the only form in which it is remembered. `undefined` where none is.
   * @param before - what was given for the same token before, in the same request. Counts as remembered where this verifier
   * gave it: it is held against time, keys and resource again, and its signature is not checked again.
   * @throws {@link InvalidRequestError}, {@link InvalidTokenError}, {@link UnavailableError}
   */
  verify(
    token: string,
    tokenHash: string | undefined,
    resource: TokenTarget,
    nowMs: number,
    before?: TrustedToken,
  ): MaybePromise<TrustedToken>
  /** `false`: it needs no hash. */
  readonly remembersAny: boolean
  /** How many tokens are remembered. */
  remembered(): number
}

/** What a {@link TokenVerifier} goes by. */
export interface TokenVerifierSettings {
  readonly schema: ClaimsSchema | undefined
  /** How many verified tokens are remembered. */
  readonly tokenCacheEntries: number
}

/** Makes the verifier of one server. */
export function createTokenVerifier(options: TokenVerifierSettings, issuers: IssuerRegistry): TokenVerifier {
  const remembered = createBoundedCache<TrustedToken>(options.tokenCacheEntries)

  function verifyAnew(
    token: string,
    tokenHash: string | undefined,
    resource: TokenTarget,
    nowMs: number,
  ): MaybePromise<TrustedToken> {
    const jws = readCompactJws(token)
    if (jws === undefined) return introspectOpaque(token, tokenHash, resource)
    const { iss } = ownClaims(jws.payload)
    const found = typeof iss === 'string' && maySpeakFor(resource, iss) ? issuers.find(iss) : undefined
    return whenReady(found, (issuer) => {
      if (issuer === undefined) {
        throw new InvalidTokenError('ERR_TOKEN_ISSUER', { expected: resource.issuers, received: iss })
      }
      if (!isIntrospecting(issuer) || !issuer.introspector.takesJwts) {
        return whenReady(verifyJwt(jws, issuer, nowMs), (entry) => accept({ entry, issuer }, tokenHash, resource))
      }
      if (isForeignJwt(jws)) throw new InvalidTokenError('ERR_TOKEN_TYPE')
      return introspect(issuer, token, tokenHash, resource)
    })
  }

  function accept(
    trusted: TrustedToken,
    tokenHash: string | undefined,
    resource: TokenTarget,
  ): MaybePromise<TrustedToken> {
    checkAudience(trusted, resource)
    if (options.schema === undefined) return remember(trusted, tokenHash)
    return applyClaimsSchema(trusted.entry, options.schema).then(() => remember(trusted, tokenHash))
  }

  function remember(trusted: TrustedToken, tokenHash: string | undefined): TrustedToken {
    if (tokenHash === undefined) return trusted
    shareTexts(trusted.entry.tokenClaims)
    remembered.set(tokenHash, trusted)
    return trusted
  }

  async function introspectOpaque(token: string, tokenHash: string | undefined, resource: TokenTarget) {
    if (!isToken68(token)) {
      throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: `${noToken68}; ${howToIntrospect}` })
    }
    const issuer = issuers.findOpaque(resource)
    if (issuer === undefined) throw whyNoJwt(token)
    return introspect(issuer, token, tokenHash, resource)
  }

  /** What another server accepted says nothing here. */
  function ownOf(before: TrustedToken | undefined): TrustedToken | undefined {
    return before !== undefined && issuers.known().includes(before.issuer) ? before : undefined
  }

  return {
    verify(token, tokenHash, resource, nowMs, before) {
      const known = (tokenHash === undefined ? undefined : remembered.get(tokenHash)) ?? ownOf(before)
      if (known === undefined || !isStillGood(known, issuers, nowMs))
        return verifyAnew(token, tokenHash, resource, nowMs)
      if (!maySpeakFor(resource, known.issuer.issuer)) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
      checkAudience(known, resource)
      return known
    },
    remembersAny: options.tokenCacheEntries > 0,
    remembered: () => remembered.size,
  }
}

function isStillGood({ entry, issuer }: TrustedToken, issuers: IssuerRegistry, nowMs: number): boolean {
  return (
    (!issuers.mayChange || issuers.trusts(issuer.issuer)) &&
    nowMs < entry.validUntilMs &&
    nowMs >= entry.validFromMs &&
    entry.key?.withdrawn === false &&
    issuer.keys.isServing(nowMs)
  )
}

/** Only the introspector remembers what it was told, so that nothing outlives its limits. */
async function introspect(
  issuer: IntrospectingIssuer,
  token: string,
  tokenHash: string | undefined,
  resource: TokenTarget,
) {
  const hash = tokenHash ?? (await sha256Base64url(token))
  const trusted = { entry: await issuer.introspector.introspect(token, hash, resource), issuer }
  checkAudience(trusted, resource)
  return trusted
}

const noToken68 = 'the token holds a character that no access token may have (RFC 6750 §2.1)'

const howToIntrospect = 'no JWT; to accept opaque tokens, give one issuer of the resource `introspection` (RFC 7662)'

/** What begins like a JWT is a broken one; anything else is opaque, whatever characters it is made of. */
function whyNoJwt(token: string): InvalidTokenError {
  const segments = token.split('.')
  const header = segments.length === 1 ? undefined : readJsonSegment(segments[0] as string)
  if (header === undefined) return new InvalidTokenError('ERR_TOKEN_UNRECOGNISED', { detail: howToIntrospect })
  const encrypted = segments.length === 5 && Object.hasOwn(header, 'enc')
  return new InvalidTokenError(encrypted ? 'ERR_TOKEN_ENCRYPTED' : 'ERR_TOKEN_MALFORMED', { detail: howToIntrospect })
}

function checkStandIns({ tokenClaims }: VerifiedEntry, { standIns }: Issuer, { resource }: TokenTarget): void {
  if (standIns === undefined || standIns.get(resource)?.some((holds) => holds(tokenClaims)) === true) return
  throw new InvalidTokenError('ERR_TOKEN_AUDIENCE', { detail: 'no aud, and nothing of `audienceFrom` stands for it' })
}

function checkAudience({ entry, issuer }: TrustedToken, resource: TokenTarget): void {
  const { audience } = entry
  if (audience === undefined) {
    checkStandIns(entry, issuer, resource)
    return
  }
  const accepted = issuer.audiences?.get(resource.resource) ?? resource.audiences
  if (typeof audience === 'string' ? accepted.includes(audience) : audience.some((one) => accepted.includes(one)))
    return
  throw new InvalidTokenError('ERR_TOKEN_AUDIENCE', { expected: accepted, received: audience })
}
