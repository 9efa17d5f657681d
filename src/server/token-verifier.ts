import { InvalidRequestError, InvalidTokenError } from '../errors/index.js'
import { type CompactJws, readCompactJws, readJsonSegment } from '../lib/compact-jws.js'
import { freezeWithin } from '../lib/json.js'
import type { MaybePromise } from '../lib/maybe-promise.js'
import { createTwoGenerationCache } from '../lib/two-generation-cache.js'
import type { ResolvedOptions } from '../options/resolve-options.js'
import type { ResolvedResource } from '../options/resolved.js'
import type { ClaimsSchema } from '../options/types.js'
import { isToken68 } from '../token/read-credentials.js'
import type { VerifiedEntry } from '../token/token-rules.js'
import { verifyJwt } from '../token/verify-jwt.js'
import type { Issuer, IssuerRegistry } from './issuers.js'

/** A verified token together with the issuer that vouches for it. */
export interface TrustedToken {
  readonly entry: VerifiedEntry
  readonly issuer: Issuer
}

/** Turns raw tokens into trusted ones, remembering what it verified. */
export interface TokenVerifier {
  /**
   * Verifies a token for one resource: issuer, signature, claims, audience, claims schema. Does not judge its binding.
   *
   * @param tokenHash - SHA-256 of the token: the only form in which it is remembered.
   * @throws {@link InvalidRequestError}, {@link InvalidTokenError}, {@link UnavailableError}
   */
  verify(token: string, tokenHash: string, resource: ResolvedResource, nowMs: number): MaybePromise<TrustedToken>
}

const maxTokenLength = 16 * 1024
const maxClaimsDepth = 32

/**
 * Refuses a token that is too large to be looked at.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_TOO_LARGE`
 */
export function checkTokenSize(token: string): void {
  if (token.length > maxTokenLength) throw new InvalidTokenError('ERR_TOKEN_TOO_LARGE')
}

/** Makes the verifier of one server. */
export function createTokenVerifier(options: ResolvedOptions, issuers: IssuerRegistry): TokenVerifier {
  const remembered = createTwoGenerationCache<TrustedToken>(options.tokenCacheEntries)

  async function verifyAnew(token: string, tokenHash: string, resource: ResolvedResource, nowMs: number) {
    const jws = recognise(token)
    const iss = jws.payload['iss']
    const issuer = typeof iss === 'string' && maySpeakFor(resource, iss) ? await issuers.find(iss) : undefined
    if (issuer === undefined) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
    const entry = await verifyJwt(jws, issuer, nowMs)
    const trusted = { entry, issuer }
    checkAudience(trusted, resource)
    if (options.schema !== undefined) entry.claims = await applySchema(options.schema, entry)
    remembered.set(tokenHash, trusted)
    return trusted
  }

  return {
    verify(token, tokenHash, resource, nowMs) {
      const known = remembered.get(tokenHash)
      if (known === undefined || !isStillGood(known, nowMs)) return verifyAnew(token, tokenHash, resource, nowMs)
      if (!maySpeakFor(resource, known.issuer.issuer)) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
      checkAudience(known, resource)
      return known
    },
  }
}

function isStillGood({ entry, issuer }: TrustedToken, nowMs: number): boolean {
  return (
    nowMs < entry.validUntilMs &&
    nowMs >= entry.validFromMs &&
    entry.key?.withdrawn === false &&
    issuer.keys.isServing(nowMs)
  )
}

function recognise(token: string): CompactJws {
  if (!isToken68(token)) throw new InvalidRequestError('ERR_REQUEST_MALFORMED')
  const jws = readCompactJws(token)
  if (jws !== undefined) return jws
  const segments = token.split('.')
  if (segments.length === 1) throw new InvalidTokenError('ERR_TOKEN_UNRECOGNISED')
  const encrypted = segments.length === 5 && readJsonSegment(segments[0] as string)?.['enc'] !== undefined
  throw new InvalidTokenError(encrypted ? 'ERR_TOKEN_ENCRYPTED' : 'ERR_TOKEN_MALFORMED')
}

function maySpeakFor(resource: ResolvedResource, issuer: string): boolean {
  return resource.onlyIssuers === undefined || resource.onlyIssuers.has(issuer)
}

function checkAudience({ entry, issuer }: TrustedToken, resource: ResolvedResource): void {
  if (entry.audience === undefined) return
  const accepted = issuer.audiences ?? resource.audiences
  for (const audience of entry.audience) if (accepted.includes(audience)) return
  throw new InvalidTokenError('ERR_TOKEN_AUDIENCE')
}

async function applySchema(schema: ClaimsSchema, { tokenClaims }: VerifiedEntry): Promise<unknown> {
  const result = await schema['~standard'].validate(tokenClaims)
  if (result.issues === undefined) {
    freezeWithin(result.value, maxClaimsDepth)
    return result.value
  }
  const paths = result.issues.map(({ path = [] }) => path.map((part) => nameOf(part)).join('.'))
  throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: `claims schema: ${paths.join(', ')}` })
}

function nameOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part)
}
