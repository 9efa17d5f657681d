/*
 * What a refused request tells a client: what its challenges ask for, and whether another login could bring it.
 */
import { type Challenge, readChallenges, readStepUp } from '../../client/challenges.js'
import type { TokenSet } from '../../client/token-set.js'

/** What a refused request tells. */
export interface Refusal {
  /** Without a fragment. */
  readonly requestUrl: string
  readonly metadataUrl: string | undefined
  readonly scope: readonly string[]
  readonly acrValues: readonly string[]
  readonly maxAgeSeconds: number | undefined
  /** Whether one of its challenges is of the scheme `DPoP`. */
  readonly takesDpop: boolean
  /** Whether the token is good, and more is wanted: scopes, or a better login. */
  readonly isStepUp: boolean
}

/** Reads the challenges for tokens in an answer. Without any, nothing is asked for. */
export function toRefusal(url: URL, headers: Headers): Refusal {
  const challenges = readChallenges(headers).filter(isForTokens)
  const first = (name: string) => challenges.find(({ parameters }) => parameters.has(name))?.parameters.get(name)
  const errors = challenges.map(({ parameters }) => parameters.get('error'))
  const { acrValues = [], maxAgeSeconds } = readStepUp(challenges) ?? {}
  return {
    requestUrl: url.href.split('#')[0] as string,
    metadataUrl: first('resource_metadata'),
    scope: (first('scope') ?? '').split(' ').filter((word) => word !== ''),
    ...{ acrValues, maxAgeSeconds },
    takesDpop: challenges.some(({ scheme }) => scheme === 'dpop'),
    isStepUp: errors.includes('insufficient_scope') || errors.includes('insufficient_user_authentication'),
  }
}

/** Whether an answer asks for a token: by a challenge, or by a 401 that names no scheme at all. */
export function asksForToken({ status, headers }: Response): boolean {
  if (status !== 401 && status !== 403) return false
  const all = readChallenges(headers)
  return all.some(isForTokens) || (status === 401 && all.length === 0)
}

function isForTokens({ scheme }: Challenge): boolean {
  return scheme === 'bearer' || scheme === 'dpop'
}

/** A login anew brings nothing where the token has all the scopes, and nothing else is wanted. */
export function isPointless(tokens: TokenSet | undefined, { scope, acrValues, maxAgeSeconds }: Refusal): boolean {
  if (tokens === undefined || acrValues.length > 0 || maxAgeSeconds !== undefined) return false
  return scope.every((name) => tokens.scope.includes(name))
}

/** Names what was refused: method, URL without its query, and what is wanted. */
export function operationOf(
  { requestUrl, scope, acrValues, maxAgeSeconds }: Refusal,
  { method = 'GET' }: RequestInit,
): string {
  return JSON.stringify([method.toUpperCase(), requestUrl.split('?')[0], [...scope].sort(), acrValues, maxAgeSeconds])
}

/** A refusal in words for people. The query of the URL is left out: it may hold secrets. */
export function inWords({ requestUrl, metadataUrl, scope, acrValues, takesDpop }: Refusal): string {
  const wanted = [
    ...(scope.length === 0 ? [] : [`scope ${scope.join(' ')}`]),
    ...(acrValues.length === 0 ? [] : [`acr_values ${acrValues.join(' ')}`]),
    ...(takesDpop ? ['DPoP'] : []),
    ...(metadataUrl === undefined ? [] : [`metadata at ${metadataUrl}`]),
  ]
  const [url] = requestUrl.split('?')
  return wanted.length === 0 ? `${url} asks for a token` : `${url} asks for ${wanted.join(', ')}`
}
