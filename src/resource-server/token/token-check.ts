import { ConfigurationError } from '../../errors/index.js'
import type { CredentialFields } from '../../issuer/endpoint-credential.js'
import type { GuardedFetchOptions } from '../../kit/fetch/guarded-fetch.js'
import type { JsonObject } from '../../kit/json.js'
import { members, object, required, takes, text, textMap } from '../../kit/options.js'
import { type ClaimPath, claimAt, toClaimPath } from './claim-paths.js'

/**
 * How an endpoint that is not of RFC 7662 is asked about a token, and how its answer is read: a POST request with a JSON
 * object; status 200 and a JSON object where the token is good.
 *
 * @group Resource server
 */
export interface TokenCheckOptions {
  /** The member of the request body that holds the token. */
  readonly tokenMember: string
  /** Where the claims of the token stand in the answer, by claim. Nothing else of it is kept. Numbers in `sub` become text. */
  readonly claims: Readonly<Record<string, ClaimPath>>
  /** Statuses that say that the token is not good; any other but 200 is a failure. Default `[404]`. */
  readonly inactiveStatuses?: readonly number[] | undefined
  /** Further header fields of the request. Default none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** How such an endpoint is asked, complete. */
export interface TokenCheck {
  readonly inactiveStatuses: readonly number[]
  /** The request about a token, with what authenticates it. */
  toRequest(token: string, credential: CredentialFields): Pick<GuardedFetchOptions, 'headers' | 'body'>
  /** What the answer says of a good token, as an answer of RFC 7662. */
  toClaims(answer: JsonObject): JsonObject
}

const json = 'application/json'

function speaksOfToken(status: unknown): boolean {
  return Number.isInteger(status) && Math.floor(Number(status) / 100) === 4 && ![401, 403, 429].includes(Number(status))
}

/** The options of {@link TokenCheckOptions}; of statuses, those are refused that speak of us, or of the endpoint. */
export const tokenCheckRules = members<TokenCheckOptions>({
  tokenMember: required(text),
  claims: required(object),
  inactiveStatuses: takes(
    (value) => Array.isArray(value) && value.every(speaksOfToken),
    'a list of statuses from 400 to 499, but not 401, 403 and 429',
  ),
  headers: textMap,
})

/** A token check and what it depends on. */
interface TokenCheckSettings {
  readonly tokenCheck?: TokenCheckOptions | undefined
  readonly endpoint?: string | undefined
  readonly signedResponse?: boolean | undefined
}

/**
 * Prepares how an endpoint of its own kind is asked; `undefined` when absent. The options were checked by
 * {@link tokenCheckRules}.
 *
 * @throws {@link ConfigurationError} for a claim that can stand nowhere, without `sub`, and without an endpoint.
 */
export function toTokenCheck({ tokenCheck, endpoint, signedResponse }: TokenCheckSettings): TokenCheck | undefined {
  if (tokenCheck === undefined) return undefined
  if (endpoint === undefined || signedResponse === true) {
    throw new ConfigurationError('`introspection.tokenCheck` needs `endpoint`, and goes without `signedResponse`.')
  }
  const { tokenMember, inactiveStatuses = [404], headers: ownHeaders, claims } = tokenCheck
  return Object.freeze({
    inactiveStatuses: [...inactiveStatuses],
    toRequest: (token: string, { headers, form }: CredentialFields) => ({
      headers: { accept: json, ...ownHeaders, ...headers, 'content-type': json },
      body: JSON.stringify({ ...form, [tokenMember]: token }),
    }),
    toClaims: toClaimsMapping('introspection.tokenCheck.claims', claims),
  })
}

function toClaimsMapping(name: string, given: TokenCheckOptions['claims']): TokenCheck['toClaims'] {
  const entries = Object.entries(given)
  const paths = entries.map(([claim, path]) => [claim, toClaimPath(name, path)] as const)
  if (!paths.some(([claim]) => claim === 'sub')) throw new ConfigurationError(`\`${name}\` says where \`sub\` stands.`)
  return (answer) => {
    const found = paths.map(([claim, path]) => [claim, claimAt(answer, path)] as const)
    const texts = found.map(([claim, value]) => [claim, claim === 'sub' ? toText(value) : value] as const)
    return { ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)), active: true }
  }
}

function toText(value: unknown): unknown {
  return Number.isSafeInteger(value) ? String(value) : value
}
