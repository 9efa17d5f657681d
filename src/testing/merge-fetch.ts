import type { Fetch } from '../kit/fetch/fetch.js'

/**
 * One {@link Fetch} for several issuers: each request goes to the issuer of its origin, any other host fails as a
 * network error.
 *
 * @example
 * ```ts
 * const server = createResourceServer({ resource, issuer: [a.issuer, b.issuer], fetch: mergeFetch(a, b) })
 * ```
 * @group Testing
 */
export function mergeFetch(...issuers: readonly { readonly issuer: string; readonly fetch: Fetch }[]): Fetch {
  return async (url, init) => {
    const { origin } = new URL(url)
    const owner = issuers.find(({ issuer }) => new URL(issuer).origin === origin)
    if (owner === undefined)
      throw new TypeError('fetch failed', { cause: new Error(`getaddrinfo ENOTFOUND ${origin}`) })
    return owner.fetch(url, init)
  }
}
