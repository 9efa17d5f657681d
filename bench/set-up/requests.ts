import type { IncomingMessage } from 'node:http'

/** What `node:http` would have made of a request, as far as anybody here looks at it. */
export type BenchRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'rawHeaders'> & {
  /** The bare token, for verifiers that take that. */
  readonly token: string
}

const common = {
  host: 'api.example.com',
  connection: 'keep-alive',
  accept: 'application/json',
  'user-agent': 'bench/1',
}

/** A GET request with the fields that clients send, and a token. */
export function requestWith(token: string, proof?: string): BenchRequest {
  const credentials: Record<string, string> =
    proof === undefined ? { authorization: `Bearer ${token}` } : { authorization: `DPoP ${token}`, dpop: proof }
  const headers: Record<string, string> = { ...common, ...credentials }
  const rawHeaders = Object.entries(headers).flat()
  return { method: 'GET', url: '/me', headers, rawHeaders, token }
}
