/** Where RFC 9728 §3 puts the metadata of a resource that is a whole origin. */
export const protectedResourcePath = '/.well-known/oauth-protected-resource'

/**
 * The URL of a resource's metadata document (RFC 9728 §3.1): the well-known path goes between host and path, a lone
 * slash after the host is dropped, any other trailing slash and the query stay. Pure string work: checks nothing and
 * rewrites nothing, so that the identifier stays byte for byte what it is.
 */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, suffix } = splitIdentifier(resource)
  return `${origin}${protectedResourcePath}${suffix}`
}

/** An identifier in two: its origin, and what follows a well-known path in its metadata URL. */
export function splitIdentifier(resource: string): { readonly origin: string; readonly suffix: string } {
  const hostStart = resource.indexOf('//') + 2
  const hostLength = resource.slice(hostStart).search(/[/?]|$/)
  const origin = resource.slice(0, hostStart + hostLength)
  return { origin, suffix: resource.slice(origin.length).replace(/^\/(?=\?|$)/, '') }
}
