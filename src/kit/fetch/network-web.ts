import { platformFetch } from './platform-fetch.js'

/**
 * `#network` where names cannot be resolved: literal addresses were refused before, and the platform's own egress rules
 * apply. `network-node.ts` is its counterpart.
 */
export const fetchPublic = platformFetch
