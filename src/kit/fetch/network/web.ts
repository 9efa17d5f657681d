import { platformFetch } from '../platform-fetch.js'

/** See `PlatformNetwork.fetchPublic`. Names cannot be resolved here: only literal addresses were refused before. */
export const fetchPublic = platformFetch
