import type { AuthScheme } from '../../auth/auth.js'
import type {
  AuthError,
  DpopNonceRequiredError,
  InsufficientScopeError,
  StepUpRequiredError,
  UnavailableError,
} from '../../errors/index.js'
import { quoted, scopeValue, textValue, uriValue } from '../../http/header-value.js'

/** What an answer needs to know of the route and the request, besides the error. */
export interface AnswerSettings {
  /** The URL of the resource's metadata document. */
  readonly metadataUrl: string
  /** What the route needs, or the resource's default scopes; space-delimited. */
  readonly scope: string | undefined
  /** The scheme the client used; `undefined` when it sent no credentials, or so many that no scheme stands out. */
  readonly scheme: AuthScheme | undefined
  /** Whether unbound tokens are accepted, so that `Bearer` is worth offering. */
  readonly bearerOffered: boolean
  /** Accepted proof algorithms; `undefined` when DPoP is off. */
  readonly dpopAlgorithms: readonly string[] | undefined
  /** Whether browser code may read the challenge. */
  readonly cors: boolean
}

/**
 * The members that refine a refusal, whichever class brings them. Read by shape, since an error may come from a second
 * copy of the library, where `instanceof` fails.
 */
export type RefusalDetails = AuthError &
  Partial<Pick<StepUpRequiredError, 'demand'>> &
  Partial<Pick<InsufficientScopeError, 'scope'>> &
  Partial<Pick<DpopNonceRequiredError, 'nonce'>> &
  Partial<Pick<UnavailableError, 'retryAfterSeconds'>>

/**
 * The `WWW-Authenticate` values of a refusal, one per scheme, Bearer first; none where the refusal calls for none.
 *
 * Without credentials, and with a token that is not good, every offered scheme is listed: the client needs another token
 * and may choose. The error stands only on the scheme the client used (RFC 9449 §7.2), on each offered one when that
 * is unclear. Any other refusal concerns a request the client can mend, so only the scheme it used is named.
 */
export function writeChallenges(error: RefusalDetails, context: AnswerSettings): readonly string[] {
  const { oauthError, status } = error
  if (status !== 401 && (oauthError === undefined || status >= 500)) return []
  const offered = offeredSchemes(context)
  const plain: ChallengeParameters = {
    resourceMetadata: context.metadataUrl,
    scope: context.scope,
    algs: context.dpopAlgorithms,
  }
  if (oauthError === undefined) return offered.map((scheme) => writeChallenge(scheme, plain))
  const failed = { ...plain, error: oauthError, errorDescription: error.description, ...refinements(error) }
  const used = isProofError(oauthError) || lacksProofKey(error, context) ? 'DPoP' : context.scheme
  if (used === undefined) return offered.map((scheme) => writeChallenge(scheme, failed))
  if (oauthError !== 'invalid_token') return [writeChallenge(used, failed)]
  const listed = allSchemes.filter((scheme) => scheme === used || offered.includes(scheme))
  return listed.map((scheme) => writeChallenge(scheme, scheme === used ? failed : plain))
}

const allSchemes: readonly AuthScheme[] = ['Bearer', 'DPoP']

function offeredSchemes({ bearerOffered, dpopAlgorithms }: AnswerSettings): readonly AuthScheme[] {
  return allSchemes.filter((scheme) => (scheme === 'Bearer' ? bearerOffered : dpopAlgorithms !== undefined))
}

function isProofError(oauthError: string): boolean {
  return oauthError === 'invalid_dpop_proof' || oauthError === 'use_dpop_nonce'
}

/** Whether an unbound token met a route that takes bound ones only, so that DPoP is the scheme to learn about. */
function lacksProofKey({ code }: RefusalDetails, { bearerOffered, dpopAlgorithms }: AnswerSettings): boolean {
  return code === 'ERR_TOKEN_UNBOUND' && !bearerOffered && dpopAlgorithms !== undefined
}

/** What the error itself asks for replaces what the route needs. */
function refinements({
  demand,
  scope,
}: RefusalDetails): Pick<ChallengeParameters, 'acrValues' | 'maxAgeSeconds' | 'scope'> {
  return { acrValues: demand?.acrValues, maxAgeSeconds: demand?.maxAgeSeconds, scope: demand?.scope ?? scope }
}

/** What one challenge says. Absent members are left out of it. */
export interface ChallengeParameters {
  /** The URL of the protected-resource metadata (RFC 9728 §5.1). Always sent, so that no challenge is ever bare. */
  readonly resourceMetadata: string
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
  /** Space-delimited. */
  readonly scope?: string | undefined
  /** In order of preference (RFC 9470 §3). */
  readonly acrValues?: readonly string[] | undefined
  readonly maxAgeSeconds?: number | undefined
  /** Accepted DPoP proof algorithms. Sent on DPoP challenges only (RFC 9449 §7.1). */
  readonly algs?: readonly string[] | undefined
}

/**
 * Writes one challenge (RFC 9110 §11.6.1). Never throws and never writes a character RFC 6750 §3 forbids.
 *
 * The order of parameters is fixed. With an error: `error`, `acr_values`, `max_age`, `scope`, `algs`,
 * `resource_metadata`, `error_description`; the description comes right after `error` for `use_dpop_nonce`, as in the
 * examples of RFC 9449 §9. Without one: `algs`, `resource_metadata`, `scope`.
 * @internal
 */
export function writeChallenge(scheme: AuthScheme, parameters: ChallengeParameters): string {
  const { error, errorDescription, acrValues, maxAgeSeconds, scope, algs, resourceMetadata } = parameters
  const ownAlgs = scheme === 'DPoP' ? algs?.join(' ') : undefined
  const scopes = scope && scopeValue(scope)
  const metadata = uriValue(resourceMetadata)
  if (error === undefined) return `${scheme} ${list({ algs: ownAlgs, resource_metadata: metadata, scope: scopes })}`
  const description = { error_description: errorDescription && textValue(errorDescription) }
  const descriptionFirst = error === 'use_dpop_nonce'
  return `${scheme} ${list({
    error: textValue(error),
    ...(descriptionFirst && description),
    acr_values: acrValues?.join(' '),
    max_age: maxAgeSeconds?.toFixed(0),
    scope: scopes,
    algs: ownAlgs,
    resource_metadata: metadata,
    ...(!descriptionFirst && description),
  })}`
}

/** An object has every name once, which is what RFC 6750 §3 demands of a challenge. */
function list(parameters: Readonly<Record<string, string | undefined>>): string {
  const present = Object.entries(parameters).flatMap(([name, value]) => (value ? [`${name}=${quoted(value)}`] : []))
  return present.join(', ')
}
