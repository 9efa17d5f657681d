import type { KeyObject } from 'node:crypto'
import type { AuthResult } from '../../src/index.js'
import type { TestIssuer } from '../../src/testing/index.js'
import { createTokenLimit } from '../limit.js'
import { createResourceServer, nodeRequestFacts, peer } from '../package-under-test.js'
import { type Algorithm, audience, limitSettings, publicKeyOf, scope } from '../set-up/issuer.js'
import type { BenchRequest } from '../set-up/requests.js'

/** Somebody who verifies the token of a request. Throws, or rejects, where it is no good. */
export interface TokenVerifier {
  readonly name: string
  readonly isAsync: boolean
  verify(request: BenchRequest): unknown
}

/** The library as an adapter calls it: facts of the request in, `auth` out, one scope demanded. */
export function portcullisVerifier(issuer: TestIssuer, tokenCacheEntries: number, name = 'portcullis'): TokenVerifier {
  const server = createResourceServer({
    resource: audience,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    tokenCacheEntries,
  })
  const guard = server.guard({ scope })
  const check = (result: AuthResult): void => {
    if (!result.ok) throw result.error
  }
  return {
    name,
    isAsync: true,
    verify(request) {
      const judged = guard(nodeRequestFacts(request))
      return judged instanceof Promise ? judged.then(check) : check(judged)
    },
  }
}

export function limitVerifier(
  issuer: TestIssuer,
  algorithm: Algorithm,
  cacheEntries: number,
  name = 'limit',
): TokenVerifier {
  const verify = createTokenLimit(limitSettings(issuer, algorithm, cacheEntries))
  return { name, isAsync: false, verify: (request) => verify(request.headers.authorization) }
}

interface FastJwt {
  createVerifier(options: Record<string, unknown>): (token: string) => unknown
}

/** fast-jwt with a key at hand, which it cannot refresh; `cache` is its own cache of verified tokens. */
export async function fastJwtVerifier(
  issuer: TestIssuer,
  algorithm: Algorithm,
  cache: number | false,
): Promise<TokenVerifier> {
  const { createVerifier } = await peer<FastJwt>('fast-jwt')
  const { pem } = publicKeyOf(issuer, algorithm)
  const verify = createVerifier({ ...fastJwtOptions(issuer, algorithm), key: pem, cache })
  return {
    name: cache === false ? 'fast-jwt' : 'fast-jwt, cached',
    isAsync: false,
    verify: ({ token }) => verify(token),
  }
}

/** fast-jwt with a key function, which is what a key set takes. */
export async function fastJwtAsyncVerifier(issuer: TestIssuer, algorithm: Algorithm): Promise<TokenVerifier> {
  const { createVerifier } = await peer<FastJwt>('fast-jwt')
  const { pem } = publicKeyOf(issuer, algorithm)
  const verify = createVerifier({ ...fastJwtOptions(issuer, algorithm), key: async () => pem, cache: false })
  return { name: 'fast-jwt, key function', isAsync: true, verify: ({ token }) => verify(token) }
}

function fastJwtOptions(issuer: TestIssuer, algorithm: Algorithm) {
  return {
    algorithms: [algorithm],
    allowedIss: issuer.issuer,
    allowedAud: audience,
    checkTyp: 'at+jwt',
    requiredClaims: ['sub', 'client_id', 'jti', 'iat', 'exp'],
  }
}

export async function joseVerifier(issuer: TestIssuer, algorithm: Algorithm): Promise<TokenVerifier> {
  const jose = await peer<typeof import('jose')>('jose')
  const keys = jose.createLocalJWKSet({ keys: [...issuer.publishedKeys()] as never })
  const options = {
    issuer: issuer.issuer,
    audience,
    typ: 'at+jwt',
    algorithms: [algorithm],
    requiredClaims: ['sub', 'client_id', 'jti', 'iat', 'exp'],
  }
  return { name: 'jose', isAsync: true, verify: ({ token }) => jose.jwtVerify(token, keys, options) }
}

interface JsonWebToken {
  default: { verify(token: string, key: KeyObject, options: Record<string, unknown>): unknown }
}

async function jsonwebtokenVerifier(issuer: TestIssuer, algorithm: Algorithm): Promise<TokenVerifier> {
  const { default: jwt } = await peer<JsonWebToken>('jsonwebtoken')
  const { key } = publicKeyOf(issuer, algorithm)
  const options = { algorithms: [algorithm], issuer: issuer.issuer, audience }
  return { name: 'jsonwebtoken', isAsync: false, verify: ({ token }) => jwt.verify(token, key, options) }
}

interface AwsJwtVerify {
  JwtVerifier: {
    create(options: Record<string, unknown>): { cacheJwks(jwks: unknown): void; verifySync(token: string): unknown }
  }
}

async function awsVerifier(issuer: TestIssuer): Promise<TokenVerifier> {
  const { JwtVerifier } = await peer<AwsJwtVerify>('aws-jwt-verify')
  const verifier = JwtVerifier.create({ issuer: issuer.issuer, audience, jwksUri: `${issuer.issuer}/jwks` })
  verifier.cacheJwks({ keys: issuer.publishedKeys().filter(({ alg }) => alg !== 'PS256') })
  return { name: 'aws-jwt-verify', isAsync: false, verify: ({ token }) => verifier.verifySync(token) }
}

/** The fields of a request that Express adds, as far as express-oauth2-jwt-bearer reads them. */
export function asExpressRequest(request: BenchRequest) {
  const get = (name: string) => request.headers[name.toLowerCase()]
  return { ...request, protocol: 'https', originalUrl: request.url, get, is: () => false, query: {} }
}

interface ExpressOauth2JwtBearer {
  default: {
    auth(
      options: Record<string, unknown>,
    ): (request: unknown, response: unknown, next: (error?: unknown) => void) => Promise<void>
  }
}

/** Its middleware without Express around it. `publicKey` takes a whole key set; `jwksUri` would be no faster. */
export async function bearerMiddlewareVerifier(issuer: TestIssuer, algorithm: Algorithm): Promise<TokenVerifier> {
  const { default: library } = await peer<ExpressOauth2JwtBearer>('express-oauth2-jwt-bearer')
  const middleware = library.auth({
    issuer: issuer.issuer,
    audience,
    publicKey: { keys: issuer.publishedKeys().filter(({ alg }) => alg === algorithm) },
    tokenSigningAlg: algorithm,
    strict: true,
  })
  return {
    name: 'express-oauth2-jwt-bearer',
    isAsync: true,
    verify: (request) =>
      middleware(asExpressRequest(request), {}, (error) => {
        if (error !== undefined) throw error
      }),
  }
}

async function oauth4webapiVerifier(issuer: TestIssuer): Promise<TokenVerifier> {
  return { ...(await oauth4webapi(issuer)), name: 'oauth4webapi' }
}

/** The only one that takes a Fetch `Request`, so that building it is part of its price. */
export async function oauth4webapi(issuer: TestIssuer): Promise<Omit<TokenVerifier, 'name'>> {
  const library = await peer<typeof import('oauth4webapi')>('oauth4webapi')
  const jwks = { keys: issuer.publishedKeys() }
  const server = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
  const options = {
    [library.customFetch]: async () => Response.json(jwks),
    [library.jwksCache]: {},
  }
  return {
    isAsync: true,
    verify: ({ headers }) => {
      const request = new Request(`${audience}/me`, { headers: headers as Record<string, string> })
      return library.validateJwtAccessToken(server as never, request, audience, options as never)
    },
  }
}

/** Every peer that can verify tokens of an algorithm, without any cache of tokens. */
export async function peerVerifiers(issuer: TestIssuer, algorithm: Algorithm): Promise<readonly TokenVerifier[]> {
  const all = [
    fastJwtVerifier(issuer, algorithm, false),
    fastJwtAsyncVerifier(issuer, algorithm),
    joseVerifier(issuer, algorithm),
    algorithm === 'EdDSA' ? undefined : jsonwebtokenVerifier(issuer, algorithm),
    algorithm === 'PS256' ? undefined : awsVerifier(issuer),
    bearerMiddlewareVerifier(issuer, algorithm),
    algorithm === 'EdDSA' ? undefined : oauth4webapiVerifier(issuer),
  ]
  return (await Promise.all(all)).filter((verifier) => verifier !== undefined)
}
