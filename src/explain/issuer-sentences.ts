/** Why an issuer does not match: the near misses by name. Does NOT decide whom to trust. */
import { providerBySight } from './provider-by-sight.js'
import { quote, quoted, type Refusal } from './refusal.js'

/** The sentence for a token of an issuer that is not configured. */
export function issuerSentence({ error, claims }: Refusal): string {
  const iss = error.received ?? claims?.['iss']
  if (iss === undefined)
    return 'The token has no `iss`, so that nothing tells whose it is. It is no access token of RFC 9068: ask its server for one, or introspect it.'
  const configured = [error.expected ?? []].flat().map(String)
  const came = `\`iss\` is ${quote(iss)}, configured is ${quoted(configured)}`
  if (typeof iss !== 'string') return `${came}. \`iss\` has to be a text.`
  const miss = configured.map((one) => nearMiss(iss, one)).find((found) => found !== undefined)
  if (miss !== undefined) return `${came}: ${miss}`
  const provider = providerBySight(iss)
  const cure =
    provider === undefined
      ? `Add \`issuer: ${quote(iss)}\``
      : `This looks like ${provider.name}: add \`issuer: ${provider.preset}\`, from portcullis/providers,`
  return `${came}: the token is of another server or environment. Have the client ask the right one. ${cure} only if you trust it.`
}

function nearMiss(iss: string, configured: string): string | undefined {
  const write = `Issuers are compared character by character: write \`issuer: ${quote(iss)}\`.`
  if (`${iss}/` === configured || iss === `${configured}/`) return `they differ by a slash at the end. ${write}`
  if (iss.toLowerCase() === configured.toLowerCase()) return `they differ in upper and lower case. ${write}`
  if (withoutScheme(iss) === withoutScheme(configured)) return `they differ in http and https. ${schemeCure(iss)}`
  if (isEntra(iss) && isEntra(configured))
    return `the token is of the other version of Entra ID. Set \`accessTokenAcceptedVersion: 2\` in the manifest of the API, or write \`${providerBySight(iss)?.preset ?? 'entra({ tenant, audience, version: 1 })'}\`.`
  if (pathOf(iss) !== undefined && pathOf(iss) === pathOf(configured) && pathOf(iss) !== '/') {
    return `if these are two names of one server, as in a container network, write \`issuer: ${quote(iss)}\`. Say where its keys are from here with \`jwksUri\`, or give the server one public name.`
  }
  return undefined
}

function withoutScheme(text: string): string {
  return text.replace(/^https?:/, '')
}

function schemeCure(iss: string): string {
  return iss.startsWith('http:')
    ? 'The server does not know that it is behind TLS: set its public URL to https (Keycloak: `hostname`).'
    : `Write \`issuer: ${quote(iss)}\`.`
}

function isEntra(text: string): boolean {
  return /^https:\/\/(?:sts\.windows\.net|login\.microsoftonline\.com)\//.test(text)
}

function pathOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).pathname : undefined
}
