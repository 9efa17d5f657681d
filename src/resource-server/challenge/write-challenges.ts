import type { AuthScheme } from '../../auth/auth.js'
import type { AnswerContext, RefusalDetails } from './answer-context.js'
import { type ChallengeParameters, writeChallenge } from './challenge.js'

/**
 * The `WWW-Authenticate` values of a refusal, one per scheme, Bearer first; none where the refusal calls for none.
 *
 * Without credentials, and with a token that is no good, every offered scheme is listed: the client needs another token
 * and may choose. The error stands on the scheme the client used alone (RFC 9449 §7.2), on each offered one when that
 * is unclear. Any other refusal concerns a request the client can mend, so only the scheme it used is named.
 */
export function writeChallenges(error: RefusalDetails, context: AnswerContext): readonly string[] {
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

function offeredSchemes({ bearerOffered, dpopAlgorithms }: AnswerContext): readonly AuthScheme[] {
  return allSchemes.filter((scheme) => (scheme === 'Bearer' ? bearerOffered : dpopAlgorithms !== undefined))
}

function isProofError(oauthError: string): boolean {
  return oauthError === 'invalid_dpop_proof' || oauthError === 'use_dpop_nonce'
}

/** Whether an unbound token met a route that takes bound ones only, so that DPoP is the scheme to learn about. */
function lacksProofKey({ code }: RefusalDetails, { bearerOffered, dpopAlgorithms }: AnswerContext): boolean {
  return code === 'ERR_TOKEN_UNBOUND' && !bearerOffered && dpopAlgorithms !== undefined
}

/** What the error itself asks for replaces what the route needs. */
function refinements({
  demand,
  scope,
}: RefusalDetails): Pick<ChallengeParameters, 'acrValues' | 'maxAgeSeconds' | 'scope'> {
  return { acrValues: demand?.acrValues, maxAgeSeconds: demand?.maxAgeSeconds, scope: demand?.scope ?? scope }
}
