import { readSecureUrl } from '../lib/secure-url.js'
import { ClientConfigurationError } from './errors.js'

/**
 * Checks an issuer identifier and leaves it as it is, byte for byte: https, no user information, query or fragment
 * (RFC 8414 §2).
 *
 * @throws {@link ClientConfigurationError}
 */
export function checkIssuer(issuer: unknown, allowInsecureLoopback: boolean): string {
  const url = typeof issuer === 'string' ? readSecureUrl(issuer, allowInsecureLoopback) : undefined
  if (url !== undefined && !/[?#]/.test(issuer as string)) return issuer as string
  throw new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', {
    message:
      '`issuer` takes an https URL without user information, query and fragment; http on a loopback host needs `allowInsecureLoopback: true`.',
  })
}

/**
 * The well-known addresses of an issuer's metadata, in the order they are tried: RFC 8414 §3.1 (inserted), OpenID
 * Connect inserted (RFC 8414 §5), OpenID Connect Discovery §4.1 (appended).
 */
export function metadataUrls(issuer: string, discovery: 'auto' | 'oauth2' | 'oidc'): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  const appended = `${origin}${path}/.well-known/openid-configuration`
  const inserted = `${origin}/.well-known/openid-configuration${path}`
  if (discovery === 'oauth2') return [oauth]
  if (discovery === 'oidc') return [appended]
  return path === '' ? [oauth, appended] : [oauth, inserted, appended]
}
