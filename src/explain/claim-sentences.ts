/** Why claims, audience, times, scopes and roles are not good enough. Does NOT judge them. */
import type { AuthErrorCode } from '../errors/index.js'
import { providerBySight } from './provider-by-sight.js'
import { quote, quoted, type Refusal, type Sentence } from './refusal.js'

type ClaimCode = Extract<
  AuthErrorCode,
  | `ERR_TOKEN_CLAIM_${string}`
  | 'ERR_TOKEN_AUDIENCE'
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_TOKEN_NOT_YET_VALID'
  | 'ERR_TOKEN_TOO_OLD'
  | 'ERR_SCOPE_INSUFFICIENT'
  | 'ERR_ROLE_INSUFFICIENT'
>

/** The sentences of the codes that are about what a token says. */
export const claimSentences: Readonly<Record<ClaimCode, Sentence>> = {
  ERR_TOKEN_AUDIENCE: audienceSentence,
  ERR_TOKEN_CLAIM_MISSING: missingClaim,
  ERR_TOKEN_CLAIM_INVALID: ({ error, claims }) =>
    error.detail?.startsWith('claims schema')
      ? `Your schema in \`claims\` refused the claims at ${error.detail.slice('claims schema: '.length) || 'the top'}. Change the schema, or what the server puts there.`
      : `The claim \`${error.detail ?? ''}\` has a value that cannot be used (${typeOf(claims?.[error.detail ?? ''])}). Have the server write it as the standard says.`,
  ERR_TOKEN_EXPIRED: ({ error, claims }) =>
    isAgo(error.expected, error.received, 600)
      ? `The token was to be used ${quoted(error.expected)}; the clock here says ${quoted(error.received)}. The client gets a new token. If it happens to fresh ones, the clocks differ: set them right, or write \`clockToleranceSeconds\` up to 300.`
      : `The token expired: it was to be used ${quoted(error.expected)}, and the clock here says ${quoted(error.received)}${lifetime(claims)}. The client has to get a new token before it expires.`,
  ERR_TOKEN_NOT_YET_VALID: ({ error, claims }) =>
    ['iat', 'nbf'].some((name) => Number(claims?.[name]) > 1e11)
      ? '`iat` or `nbf` is in milliseconds. Times in a JWT are seconds (RFC 7519 §2): mend the server that issues it.'
      : `The token may be used ${quoted(error.expected)}; the clock here says ${quoted(error.received)}. The clocks differ: set them right, or write \`clockToleranceSeconds\` up to 300.`,
  ERR_TOKEN_TOO_OLD: ({ error }) =>
    `The token was issued too long ago: it was to be used ${quoted(error.expected)}. The client gets a new token; the limit is \`maxTokenAgeSeconds\` of the issuer.`,
  ERR_SCOPE_INSUFFICIENT: scopeSentence,
  ERR_ROLE_INSUFFICIENT: ({ error, claims }) => {
    const came = `The token grants the roles ${quoted(error.received)}, this route demands ${quoted(error.expected)}`
    const place = placeOf(claims, [error.expected ?? []].flat())
    return place === undefined
      ? `${came}. Give the user the role at the server, and have it put into the access token.`
      : `${came}. They are in the claim \`${place}\`: write \`claimProfile: { roles: '${place}' }\` for this issuer, or take its preset from portcullis/providers.`
  },
}

const microsoftGraph = [
  '00000003-0000-0000-c000-000000000000',
  'https://graph.microsoft.com',
  '00000002-0000-0000-c000-000000000000',
]

function audienceSentence({ error, claims = {} }: Refusal): string {
  const provider = providerBySight(claims['iss'])
  if (error.detail?.startsWith('no aud'))
    return 'The token has no `aud`, and it does not meet `audienceFrom` of the issuer: compare its `client_id` or `azp` with the values listed there.'
  const [expected, received] = [error.expected, error.received].map((value) => [value ?? []].flat().map(String)) as [
    string[],
    string[],
  ]
  const came = `\`aud\` is ${quoted(error.received)}, accepted is ${quoted(error.expected)}`
  const near = received.find((one) => expected.some((other) => isNear(one, other)))
  if (near !== undefined)
    return `${came}: they differ only by slash, scheme, port or case. Write \`audience: ${quote(near)}\` for the resource, or have the client ask for exactly this resource.`
  if (received.some((one) => microsoftGraph.includes(one)))
    return `${came}: the token is for Microsoft Graph. Have the client ask for a scope of this API, such as \`api://<application id>/.default\`, and never accept tokens for Graph.`
  if (received.some((one) => one.startsWith('api://')))
    return `${came}. That is how Entra ID names this API: write \`audience: ${quote(received.find((one) => one.startsWith('api://')))}\` for the resource.`
  if (received.includes('account'))
    return `${came}: Keycloak names an API only where a mapper says so. Add an audience mapper for ${quoted(error.expected)} to a client scope of the client.`
  if (received.some((one) => one.endsWith('/userinfo')))
    return `${came}: the client asked for no API. With Auth0 it has to send \`audience=${expected[0]}\`.`
  if (received.some((one) => one === claims['client_id'] || one === claims['azp']))
    return `${came}: the token names its own client, as ID tokens do. Have the client ask for this API (\`resource\`, or \`audience\` at Auth0), and send the access token.`
  return `${came}: the token is for another API. Have the client ask for this one (\`resource\`, RFC 8707${provider?.name === 'Auth0' ? '; `audience` at Auth0' : ''}). Only if the server calls this very API by that name, write it in \`audience\` of the resource.`
}

function isNear(one: string, other: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/^https?:\/\//, '')
      .replace(/:\d+(?=\/|$)/, '')
      .replace(/\/+$/, '')
  return plain(one) !== '' && plain(one) === plain(other)
}

function missingClaim({ error, claims = {} }: Refusal): string {
  const name = error.detail ?? ''
  const provider = providerBySight(claims['iss'])
  const came = `The token has no \`${name}\``
  const isOptional = ['jti', 'client_id', 'iat'].includes(name)
  if (provider !== undefined && provider.name !== 'Keycloak' && (isOptional || name === 'aud'))
    return `${came}: this looks like a token of ${provider.name}. Write \`issuer: ${provider.preset}\`, from portcullis/providers.`
  if (name === 'aud')
    return `${came}, so that nothing tells which API it is for. Have the server add it (Keycloak: an audience mapper), or say what stands for it in \`audienceFrom\`.`
  if (name === 'client_id' && typeof claims['azp'] === 'string')
    return `${came}; the client stands in \`azp\`. Write \`claimProfile: { clientId: ['client_id', 'azp'] }\` for this issuer, or take its preset from portcullis/providers.`
  if (isOptional)
    return `${came}, which RFC 9068 demands. Have the server add it, or write \`optionalClaims: ['${name}']\` for this issuer.`
  return `${came}, and without it no token is accepted. Have the server add it.`
}

function scopeSentence({ error, claims }: Refusal): string {
  const needed = [error.expected ?? []].flat()
  const came = `The token grants ${quoted(error.received)}, this route needs ${quoted(error.expected)}`
  if ([error.received ?? []].flat().some((scope) => String(scope).includes(',')))
    return `${came}. The server separates scopes with commas; RFC 6749 §3.3 wants spaces. Mend it there.`
  const place = placeOf(claims, needed)
  if (place !== undefined)
    return `${came}. They are in the claim \`${place}\`, which is not read: write \`claimProfile: { scope: ['scope', '${place}'] }\` for this issuer, or demand them as \`roles\`.`
  return `${came}. The challenge names them, so that the client can ask for them; the server has to grant them to this client and user.`
}

/** The claim in which all of `names` stand, at the top or one level below it. */
function placeOf(claims: Readonly<Record<string, unknown>> = {}, names: readonly unknown[]): string | undefined {
  if (names.length === 0) return undefined
  const nested = Object.entries(claims).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one] as const)
      : [[name, value] as const],
  )
  const place = nested.find(([, value]) => {
    const held = typeof value === 'string' ? value.split(/[ ,]+/) : value
    return Array.isArray(held) && names.every((name) => held.includes(name))
  })
  return place === undefined || !/^[\w.:/-]{1,64}$/.test(place[0]) ? undefined : place[0]
}

function typeOf(value: unknown): string {
  if (value === undefined) return 'none to see'
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value
}

function isAgo(expected: unknown, received: unknown, seconds: number): boolean {
  const [limit, now] = [expected, received].map((text) => Date.parse(String(text).replace(/^\w+ /, '')))
  return Number(now) - Number(limit) < seconds * 1000
}

function lifetime(claims: Readonly<Record<string, unknown>> | undefined): string {
  const [exp, iat] = [Number(claims?.['exp']), Number(claims?.['iat'])]
  return exp > iat ? `; it was good for ${exp - iat} s` : ''
}
