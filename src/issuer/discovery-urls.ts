/**
 * Where the metadata of `issuer` may be, in the order to try: RFC 8414 §3.1 (inserted before the path), then OpenID
 * Connect inserted, then OpenID Connect appended (Discovery §4.1; RFC 8414 §5). An issuer without a path has no third.
 * `issuer` must be an absolute URL without query and fragment.
 */
export function discoveryUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  const inserted = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}
