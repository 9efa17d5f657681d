import type { Auth } from '../auth/auth.js'
import { ConfigurationError } from '../errors/index.js'
import type { ResolvedGrant } from './grant.js'
import type { GrantClient } from './grant-client.js'

/**
 * The client of an issuer.
 *
 * @throws {@link ConfigurationError} where there is none.
 */
export type ClientSelection = (issuer: string) => GrantClient

/**
 * Makes a {@link ClientSelection} over the clients given.
 *
 * @throws {@link ConfigurationError} for what is no client, and for two clients of one issuer.
 */
export function createClientSelection(given: GrantClient | readonly GrantClient[]): ClientSelection {
  const clients = (Array.isArray(given) ? given : [given]) as readonly GrantClient[]
  if (clients.length === 0 || clients.some((client) => typeof client?.exchangeToken !== 'function')) {
    throw new ConfigurationError('`client` takes an OAuth client of portcullis/client, or an array of them.')
  }
  const byIssuer = new Map(clients.map((client) => [client.issuer, client]))
  if (byIssuer.size < clients.length) throw new ConfigurationError('`client` holds two clients of one issuer.')
  return (issuer) => {
    const client = byIssuer.get(issuer)
    if (client !== undefined) return client
    throw new ConfigurationError(
      "`client` holds no client of the issuer that a grant names, or that the caller's token comes from.",
    )
  }
}

/**
 * The issuer to ask for a grant of a caller: the one the grant names, else the caller's own. So no token goes to an
 * authorization server it does not come from unless a grant says so.
 */
export function issuerOf({ issuer }: ResolvedGrant, auth: Auth<unknown>): string {
  return typeof issuer === 'function' ? issuer(auth) : (issuer ?? auth.issuer)
}
