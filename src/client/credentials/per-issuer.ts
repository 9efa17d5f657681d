import { isJsonObject } from '../../kit/json.js'
import { mistake } from '../check.js'
import { CredentialError } from '../errors.js'
import type { ClientCredential, IssuerCredentials } from './contract.js'

/**
 * One credential per authorization server, keyed by issuer identifier, compared code point by code point. An issuer
 * that is not listed gets nothing: the call fails before anything is sent.
 *
 * @throws {@link ClientConfigurationError} for an empty map, a key that is no URL, and a value that is no credential.
 * @group Credentials
 */
export function perIssuer(credentials: Readonly<Record<string, ClientCredential>>): IssuerCredentials {
  const byIssuer = new Map(isJsonObject(credentials) ? Object.entries(credentials) : [])
  const isRight = ([issuer, credential]: readonly [string, unknown]): boolean =>
    URL.canParse(issuer) && isJsonObject(credential) && typeof credential['authenticate'] === 'function'
  if (byIssuer.size === 0 || ![...byIssuer].every(isRight)) {
    throw mistake('`perIssuer` takes an object with one credential per issuer identifier.')
  }
  const find = (issuer: string): ClientCredential => {
    const credential = byIssuer.get(issuer)
    if (credential === undefined) throw new CredentialError('ERR_CREDENTIAL_ISSUER', { issuer })
    return credential
  }
  return {
    issuers: () => [...byIssuer.keys()],
    has: (issuer) => byIssuer.has(issuer),
    for: find,
    authenticate: (target) => find(target.issuer).authenticate(target),
  }
}
