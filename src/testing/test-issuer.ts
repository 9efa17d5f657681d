import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type Clock, systemClock } from '../kit/clock.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import type { JsonObject } from '../kit/json.js'
import { createSwitchboard, type EndpointControls } from './endpoint-controls.js'
import { createIssuerHandler } from './issuer-handler.js'
import { createInProcessFetch, type LoopbackServer, startLoopbackServer } from './issuer-transport.js'
import { createKeyRing, type KeyRing } from './key-ring.js'
import { createTokenMint, defaultClaims, type TokenMint } from './token-mint.js'
import { createTokenRegister, type TokenRegister } from './token-register.js'

/** What a {@link TestIssuer} is made with. @group Testing */
export interface TestIssuerOptions {
  /** The issuer identifier, until {@link TestIssuer.listen} replaces its origin. Default `https://issuer.test`. */
  readonly issuer?: string
  /** Default: the system clock. */
  readonly clock?: Clock
  /**
   * The algorithms to publish a key for from the start; the first one signs by default. Default `['ES256']`. Minting
   * with another one publishes its key from then on.
   */
  readonly algorithms?: readonly [SignatureAlgorithm, ...SignatureAlgorithm[]]
  /** The `aud` of tokens and of signed introspection. Default `https://api.example.com`. */
  readonly audience?: string | readonly string[]
  /** Default 300. */
  readonly lifetimeSeconds?: number
  /** Secrets of the clients that may introspect and ask for tokens. Default `{ 'test-client': 'test-secret' }`. */
  readonly clients?: Readonly<Record<string, string>>
  /** Further members of the metadata document; `undefined` removes one. */
  readonly metadata?: JsonObject
}

/** An authorization server for tests. @group Testing */
export interface TestIssuer extends KeyRing, TokenMint, TokenRegister, EndpointControls {
  /** The issuer identifier as of now. */
  readonly issuer: string
  /**
   * Answers for the issuer without a socket: metadata (RFC 8414 and OpenID Connect), key set, introspection, token
   * endpoint. Any other host fails as a network error.
   */
  readonly fetch: Fetch
  /**
   * Serves the same over HTTP on 127.0.0.1, on a free port or the one given, and moves the issuer identifier there.
   * Resolves to that identifier.
   */
  listen(options?: { readonly port?: number }): Promise<string>
  /** Ends the issuer: stops listening, drops open connections, gives its keys back for reuse. */
  close(): Promise<void>
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes an authorization server that lives in the test's own process: it mints tokens, serves its keys, rotates them,
 * and fails in whatever way the test asks for. Keys are made when first needed.
 *
 * @example
 * ```ts
 * const issuer = createTestIssuer()
 * const server = createResourceServer({
 *   resource: 'https://api.example.com',
 *   issuer: issuer.issuer,
 *   fetch: issuer.fetch,
 * })
 * const good = issuer.mintToken({ scope: 'profile' })
 * issuer.override('jwks', { kind: 'down' })
 * ```
 * @group Testing
 */
export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const { clock = systemClock, audience = 'https://api.example.com', lifetimeSeconds = 300 } = options
  const algorithms = options.algorithms ?? (['ES256'] as const)
  let issuer = options.issuer ?? 'https://issuer.test'
  let server: LoopbackServer | undefined
  const { ring, allKeys, release } = createKeyRing(algorithms)
  const minting = { issuer: () => issuer, audience, lifetimeSeconds, clock, keys: ring }
  const mint = createTokenMint(minting)
  const register = createTokenRegister({ defaultClaims: () => defaultClaims(minting), signingKeys: allKeys, clock })
  const switchboard = createSwitchboard(clock)
  const handle = createIssuerHandler({
    ...minting,
    algorithms,
    clients: options.clients ?? { 'test-client': 'test-secret' },
    metadata: options.metadata ?? {},
    mint,
    register,
    switchboard,
  })
  const close = async () => {
    switchboard.releaseAll()
    release()
    await server?.close()
    server = undefined
  }
  return {
    ...ring,
    ...mint,
    mintOpaqueToken: register.mintOpaqueToken,
    revoke: register.revoke,
    ...switchboard.controls,
    get issuer() {
      return issuer
    },
    fetch: createInProcessFetch(() => new URL(issuer).origin, handle),
    async listen({ port = 0 } = {}) {
      server = await startLoopbackServer(handle, port)
      issuer = server.origin + new URL(issuer).pathname.replace(/^\/$/, '')
      return issuer
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
