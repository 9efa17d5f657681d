import type { JsonWebKey } from 'node:crypto'

export type Framework = 'express' | 'fastify' | 'koa'

/** What a server process is told. */
export interface AppSettings {
  readonly framework: Framework
  readonly guard: string
  readonly issuer: string
  readonly jwksUri: string
  readonly jwk: JsonWebKey & { readonly kid: string }
  readonly pem: string
  readonly cacheEntries: number
  readonly dpop: boolean
}

/** What the load process is told to send. */
export interface Load {
  readonly url: string
  readonly tokens: readonly string[]
  /** Sends a fresh proof with each request: the private keys the tokens are bound to, as JWKs, one per token. */
  readonly proofKeys?: readonly JsonWebKey[] | undefined
  readonly order: 'in turn' | 'random'
  readonly seconds: number
  readonly connections: number
}

/** What came of it. */
export interface LoadResult {
  readonly answered: number
  readonly failed: number
  readonly perSecond: number
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

/** What a server process says it has used so far. */
export interface Usage {
  readonly cpuMicros: number
}
