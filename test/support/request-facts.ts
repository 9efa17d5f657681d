import type { RequestFacts } from '../../src/http/request-facts.js'

/** What a made-up request differs in from `GET /` without any field. */
export interface FactsOverrides {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly secure?: boolean
  readonly remoteAddress?: string
  readonly certificate?: Uint8Array
}

/** Facts of a request that nobody sent. */
export function requestFacts(overrides: FactsOverrides = {}): RequestFacts {
  const { method = 'GET', url = '/', headers = {}, secure, remoteAddress, certificate } = overrides
  return {
    method,
    url,
    secure,
    remoteAddress,
    headerValues(name) {
      const value = headers[name] ?? []
      return typeof value === 'string' ? [value] : value
    },
    clientCertificate: () => certificate,
  }
}
