import type { Fetch } from '../fetch.js'

/**
 * What the library needs of a platform's network. `node.ts` resolves names itself; `web.ts` cannot. package.json's
 * `imports` picks one.
 */
export interface PlatformNetwork {
  /**
   * Fetches from a host that only a fetched document names. On Node the name is resolved once per connection, an
   * address off the public internet is refused, and the connection goes to the very address that was judged. Elsewhere
   * names cannot be resolved, and the platform's own egress rules apply.
   */
  readonly fetchPublic: Fetch
}
