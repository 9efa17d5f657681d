import { createHash } from 'node:crypto'
import { createDpopVerifier } from '../../src/resource-server/binding/dpop-verifier.js'
import { createMemoryReplayStore } from '../../src/stores/memory/memory-replay-store.js'
import type { TestIssuer } from '../../src/testing/index.js'
import { createBoundTokenLimit, createProofLimit } from '../limit.js'
import { createResourceServer, nodeRequestFacts, peer } from '../package-under-test.js'
import { audience, limitSettings, scope } from '../set-up/issuer.js'
import { target } from '../set-up/proofs.js'
import type { BenchRequest } from '../set-up/requests.js'
import { bearerMiddlewareVerifier, oauth4webapi, type TokenVerifier } from './token-verifiers.js'

/** What a proof is held against, known from the token. */
export interface TokenFacts {
  readonly tokenHash: string
  readonly jkt: string
}

/** Somebody who verifies a proof when the token is known to be good. */
export interface ProofVerifier {
  readonly name: string
  readonly isAsync: boolean
  verify(request: BenchRequest, token: TokenFacts): unknown
}

/** The library's own part for proofs, which has no public entry: taken from its source. */
export function portcullisProofs(name = 'portcullis'): ProofVerifier {
  const verifier = createDpopVerifier({
    algorithms: ['ES256'],
    maxAgeSeconds: 60,
    maxFutureSeconds: 10,
    nonce: undefined,
    targetOrigin: 'resource',
    pathPrefix: '',
    replayStore: createMemoryReplayStore(),
    dangerouslyAllowReplayWhenStoreFails: false,
    isTrustedProxy: () => false,
    clock: Date.now,
    onEvent: undefined,
  })
  return {
    name,
    isAsync: true,
    verify: (request, { tokenHash, jkt }) =>
      verifier.verify({
        facts: nodeRequestFacts(request),
        accessToken: request.token,
        tokenHash,
        jkt,
        resource: audience,
      }),
  }
}

export function limitProofs(name = 'limit'): ProofVerifier {
  const verify = createProofLimit()
  return {
    name,
    isAsync: false,
    verify: (request, { tokenHash, jkt }) => verify(asLimitRequest(request), tokenHash, jkt),
  }
}

function asLimitRequest({ headers }: BenchRequest) {
  return { authorization: headers.authorization ?? '', dpop: String(headers['dpop']), method: 'GET', url: target }
}

/** jose as its documentation puts it together, without a check for replays. */
export async function joseProofs(): Promise<ProofVerifier> {
  const { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } = await peer<typeof import('jose')>('jose')
  return {
    name: 'jose',
    isAsync: true,
    async verify({ headers }, { tokenHash, jkt }) {
      const options = { typ: 'dpop+jwt', algorithms: ['ES256'], maxTokenAge: 60 }
      const { payload, protectedHeader } = await jwtVerify(String(headers['dpop']), EmbeddedJWK, options)
      if (payload['htm'] !== 'GET' || payload['htu'] !== target || payload['ath'] !== tokenHash)
        throw new Error('claims')
      if ((await calculateJwkThumbprint(protectedHeader.jwk as never)) !== jkt) throw new Error('key')
    },
  }
}

export function portcullisBound(issuer: TestIssuer, tokenCacheEntries: number, name: string): TokenVerifier {
  const server = createResourceServer({
    resource: audience,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    tokenCacheEntries,
    dpop: 'required',
  })
  const requirement = { scope }
  return {
    name,
    isAsync: true,
    async verify(request) {
      const result = await server.authenticate(nodeRequestFacts(request), requirement)
      if (!result.ok) throw result.error
    },
  }
}

export function limitBound(issuer: TestIssuer, cacheEntries: number, name: string): TokenVerifier {
  const verify = createBoundTokenLimit(limitSettings(issuer, 'RS256', cacheEntries))
  return { name, isAsync: false, verify: (request) => verify(asLimitRequest(request)) }
}

/** Peers that verify a token together with its proof. None of them looks for replays, none caches tokens. */
export async function boundPeers(issuer: TestIssuer): Promise<readonly TokenVerifier[]> {
  const middleware = await bearerMiddlewareVerifier(issuer, 'RS256')
  return [middleware, await joseBound(issuer), { ...(await oauth4webapi(issuer)), name: 'oauth4webapi' }]
}

async function joseBound(issuer: TestIssuer): Promise<TokenVerifier> {
  const { createLocalJWKSet, jwtVerify } = await peer<typeof import('jose')>('jose')
  const keys = createLocalJWKSet({ keys: [...issuer.publishedKeys()] as never })
  const proofs = await joseProofs()
  const options = { issuer: issuer.issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
  return {
    name: 'jose',
    isAsync: true,
    async verify(request) {
      const { payload } = await jwtVerify(request.token, keys, options)
      const { jkt } = payload['cnf'] as { jkt: string }
      await proofs.verify(request, { tokenHash: hashOf(request.token), jkt })
    },
  }
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
