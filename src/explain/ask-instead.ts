import { shownText } from '../errors/index.js'
import { type JsonObject, ownMember } from '../kit/json.js'

interface Vendor {
  readonly issuer: RegExp
  /** How a client of this server asks for a token of an API. */
  readonly ask: (audience: string) => string
}

/** How the servers that do not read `resource` (RFC 8707) want to be asked. The first that fits counts. */
const vendors: readonly Vendor[] = [
  {
    issuer: /\/realms\/[^/]+$/,
    ask: (audience) =>
      `Keycloak names ${audience} in \`aud\` where a client scope of the client has an audience mapper for it.`,
  },
  {
    issuer: /^https:\/\/[^/]+\.auth0\.com\/$/,
    ask: (audience) => `Auth0 issues it to a client that asks with \`audience=${audience}\`.`,
  },
  {
    issuer: /^https:\/\/(?:login\.microsoftonline\.com|sts\.windows\.net)\//,
    ask: () =>
      'Entra issues it to a client that asks for a scope of the API, such as `api://<application id>/.default`.',
  },
  {
    issuer: /^https:\/\/[^/]+\.okta(?:preview)?\.com/,
    ask: (audience) => `Okta issues it from the custom authorization server whose audience is ${audience}.`,
  },
  {
    issuer: /^https:\/\/accounts\.google\.com$/,
    ask: () => 'Google issues access tokens for its own APIs only: let a server of yours issue the token of your API.',
  },
]

/** How to get an access token for `audience`, in one sentence, as the issuer that `claims` name wants to be asked. */
export function askFor(claims: JsonObject, audience: string | undefined): string {
  const iss = ownMember(claims, 'iss')
  const api = audience === undefined ? 'the API' : shownText(audience)
  const vendor = vendors.find(({ issuer }) => typeof iss === 'string' && issuer.test(iss))
  if (vendor !== undefined) return vendor.ask(api)
  const resource = audience === undefined ? '<identifier of the API>' : api
  return `A client gets it by asking with \`resource=${resource}\` (RFC 8707 §2).`
}
