import { ConfigurationError } from '../errors/index.js'

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether a URL host name is loopback: `localhost`, a name below it, `127.0.0.0/8`, or `[::1]`. */
export function isLoopbackHost(hostname: string): boolean {
  return loopbackHosts.has(hostname) || hostname.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/**
 * Checks an identifier or endpoint URL and leaves it as it is, byte for byte: https (http only on loopback hosts and
 * only where allowed), no user information, no fragment.
 *
 * @throws {@link ConfigurationError} saying what to write instead.
 */
export function checkUrl(name: string, value: unknown, allowInsecureLoopback: boolean): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined) throw new ConfigurationError(`\`${name}\` takes an absolute https URL.`)
  if (url.username !== '' || url.password !== '' || (value as string).includes('#')) {
    throw new ConfigurationError(`\`${name}\` must hold neither user information nor a fragment.`)
  }
  if (url.protocol === 'https:') return url
  if (url.protocol !== 'http:') throw new ConfigurationError(`\`${name}\` takes an https URL, not ${url.protocol}`)
  if (!isLoopbackHost(url.hostname)) {
    throw new ConfigurationError(`\`${name}\` takes an https URL: over http anybody on the way could read tokens.`)
  }
  if (!allowInsecureLoopback) {
    throw new ConfigurationError(
      `\`${name}\` is an http URL on a loopback host. Write \`allowInsecureLoopback: true\` to accept it in development.`,
    )
  }
  return url
}

/**
 * Checks an issuer identifier: as {@link checkUrl}, and without a query (RFC 8414 §2).
 *
 * @throws {@link ConfigurationError}
 */
export function checkIssuer(name: string, value: unknown, allowInsecureLoopback: boolean): string {
  const url = checkUrl(name, value, allowInsecureLoopback)
  if (url.search !== '' || (value as string).includes('?')) {
    throw new ConfigurationError(`\`${name}\` must have no query (RFC 8414 §2).`)
  }
  return value as string
}
