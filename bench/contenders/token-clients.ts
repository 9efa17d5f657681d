import { peer } from '../package-under-test.js'

const { clientSecretBasic, createOAuthClient } =
  await peer<typeof import('../../src/client/index.js')>('portcullis/client')

/** The issuer whose token endpoint clients ask here. */
export const issuer = 'https://login.example.com'
const clientId = 'gateway'
const secret = 'a-secret-of-some-length'
const endpoint = `${issuer}/token`

type Body = Readonly<Record<string, unknown>>

/** A token endpoint at hand, so that no network takes part. Counts what it is asked. */
export interface TokenEndpoint {
  readonly fetch: typeof fetch
  /** How many requests came since this was asked last. */
  takeRequests(): number
}

/** @param answer - the answer to the n-th request. */
export function createTokenEndpoint(answer: (n: number) => Body): TokenEndpoint {
  let asked = 0
  let since = 0
  return {
    fetch: async () => {
      asked += 1
      since += 1
      return Response.json(answer(asked))
    },
    takeRequests() {
      const taken = since
      since = 0
      return taken
    },
  }
}

/** The client of the package. */
export function portcullisClient({ fetch }: TokenEndpoint, clock = Date.now) {
  return createOAuthClient({
    issuer,
    credential: clientSecretBasic({ clientId, clientSecret: secret }),
    discovery: false,
    endpoints: { token: endpoint },
    fetch,
    clock,
  })
}

/** openid-client, as its documentation puts it together. */
export async function openidClient({ fetch }: TokenEndpoint) {
  const library = await peer<typeof import('openid-client')>('openid-client')
  const metadata = { issuer, token_endpoint: endpoint }
  const config = new library.Configuration(metadata, clientId, secret, library.ClientSecretBasic(secret))
  config[library.customFetch] = fetch as never
  return {
    exchange: (parameters: Record<string, string>) =>
      library.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', parameters),
    refresh: (refreshToken: string) => library.refreshTokenGrant(config, refreshToken),
  }
}

/** oauth4webapi, as its documentation puts it together. */
export async function oauth4webapiExchange({ fetch }: TokenEndpoint) {
  const library = await peer<typeof import('oauth4webapi')>('oauth4webapi')
  const server = { issuer, token_endpoint: endpoint }
  const client = { client_id: clientId }
  const credential = library.ClientSecretBasic(secret)
  const options = { [library.customFetch]: fetch } as never
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
  return async (parameters: Record<string, string>) => {
    const response = await library.genericTokenEndpointRequest(server, client, credential, grant, parameters, options)
    return library.processGenericTokenEndpointResponse(server, client, response)
  }
}
