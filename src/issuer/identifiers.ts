import { ConfigurationError } from '../errors/index.js'
import { type InsecureHosts, isInsecureHost, isLoopbackHostname } from '../kit/fetch/secure-url.js'

/** The characters of a URI (RFC 3986 §2), with a scheme, two slashes and a host. */
const absoluteUri = /^[a-z][a-z\d+.-]*:\/\/[\w.~[:%-][\w.~:/?#[\]@!$&'()*+,;=%-]*$/i

/**
 * Checks an identifier or endpoint URL and leaves it as it is, byte for byte: https (http only on hosts where
 * that is allowed), no user information, no fragment.
 *
 * @throws {@link ConfigurationError} saying what to write instead.
 */
export function checkUrl(name: string, value: unknown, insecureHosts: InsecureHosts): URL {
  const text = typeof value === 'string' ? value : ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !absoluteUri.test(text)) {
    throw new ConfigurationError(`\`${name}\` takes an absolute https URL, in ASCII and without spaces around it.`)
  }
  if (url.username !== '' || url.password !== '' || text.includes('#')) {
    throw new ConfigurationError(`\`${name}\` must hold neither user information nor a fragment.`)
  }
  if (url.protocol === 'https:') return url
  if (url.protocol !== 'http:') throw new ConfigurationError(`\`${name}\` takes an https URL, not ${url.protocol}`)
  if (isInsecureHost(url, insecureHosts)) return url
  if (isLoopbackHostname(url.hostname)) {
    throw new ConfigurationError(
      `\`${name}\` is an http URL on a loopback host. Write \`allowInsecureLoopback: true\` to accept it in development.`,
    )
  }
  throw new ConfigurationError(
    `\`${name}\` takes an https URL: over http anybody on the way could read tokens. For a server of a private network in ` +
      `development, write \`dangerouslyAllowInsecureHosts: ['${url.host}']\`.`,
  )
}

/** Metadata and key sets, whose URLs are often taken for the issuer (RFC 8414 §3, OpenID Connect Discovery §4). */
const documentUrl =
  /^(https?:\/\/[^?]*?)\/\.well-known\/(?:openid-configuration|oauth-authorization-server|jwks\.json)(\/[^?]*)?$/

/**
 * Checks an issuer identifier: as {@link checkUrl}, without a query (RFC 8414 §2), and not the
 * URL of a metadata document.
 *
 * @throws {@link ConfigurationError}
 */
export function checkIssuer(name: string, value: unknown, insecureHosts: InsecureHosts): string {
  checkUrl(name, value, insecureHosts)
  const [, before, after = ''] = documentUrl.exec(value as string) ?? []
  if (before !== undefined) {
    throw new ConfigurationError(
      `\`${name}\` is the URL of a document of the issuer. Write the issuer itself, '${before}${after}'; it is the \`issuer\` of ` +
        'that document, character by character.',
    )
  }
  if ((value as string).includes('?')) {
    throw new ConfigurationError(`\`${name}\` must have no query (RFC 8414 §2).`)
  }
  return value as string
}

/** Whether `text` is an issuer identifier, as {@link checkIssuer} demands. */
export function isIssuer(text: string, insecureHosts: InsecureHosts): boolean {
  try {
    checkIssuer('issuer', text, insecureHosts)
    return true
  } catch {
    return false
  }
}
