import type { JsonWebKey } from 'node:crypto'

export type Framework = 'express' | 'fastify' | 'koa'

/** Sessions are measured behind the Fetch API, too. */
export type SessionFramework = Framework | 'fetch'

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

/** What a server process with sessions is told. */
export interface SessionAppSettings {
  readonly framework: SessionFramework
  readonly guard: string
  /** How many users sign in before it is measured. */
  readonly users: number
}

/** What a server process says when it listens. */
export interface Started {
  readonly port: number
  /** The `Cookie` field of each user. */
  readonly cookies?: readonly string[] | undefined
}

/** What the load process is told to send. */
export interface Load {
  readonly url: string
  /** What requests carry: tokens, or `Cookie` fields where `areCookies`. */
  readonly tokens: readonly string[]
  readonly areCookies?: boolean | undefined
  /** Sends a fresh proof with each request: the private keys the tokens are bound to, as JWKs, one per token. */
  readonly proofKeys?: readonly JsonWebKey[] | undefined
  readonly order: 'in turn' | 'random'
  readonly seconds: number
  /** So many requests instead, however long they take. */
  readonly amount?: number | undefined
}

/** What came of it. */
export interface LoadResult {
  readonly answered: number
  readonly failed: number
  readonly perSecond: number
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

/** What a server process is asked. After `profile` it may be asked for the `parts` of what it did since. */
export type Question = 'usage' | 'profile' | 'parts'

/** What a server process says it has used so far. */
export interface Usage {
  readonly cpuMicros: number
  /** The part of it in the first thread, and for how long that waited for a core. `undefined` where the system does not tell. */
  readonly firstThread?: { readonly usedMicros: number; readonly waitedMicros: number } | undefined
}

/** What a profile sees the first thread of a server do: `rest` is Node and the framework. */
export type Part = 'signature' | 'guard' | 'writing' | 'garbage' | 'rest'
