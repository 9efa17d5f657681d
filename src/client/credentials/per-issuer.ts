import { ClientConfigurationError, CredentialError } from '../errors.js'
import type { ClientCredential, IssuerCredentials } from './contract.js'

/**
 * One credential per authorization server, keyed by issuer identifier, compared code point by code point. An issuer
 * that is not listed gets nothing: the call fails before anything is sent.
 *
 * @throws {@link ClientConfigurationError} for an empty map.
 * @group Credentials
 */
export function perIssuer(credentials: Readonly<Record<string, ClientCredential>>): IssuerCredentials {
  const byIssuer = new Map(Object.entries(credentials))
  if (byIssuer.size === 0) {
    throw new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', {
      message: '`perIssuer` takes an object with one credential per issuer identifier.',
    })
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
