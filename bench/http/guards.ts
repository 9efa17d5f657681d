import { createBoundTokenLimit, createTokenLimit } from '../limit.js'
import { createResourceServer, peer } from '../package-under-test.js'
import { audience, scope } from '../set-up/issuer.js'
import type { AppSettings } from './protocol.js'

/** The hand-written verifier, for a request in the form of Node. */
export function limitOf(settings: AppSettings): (request: NodeMessage) => unknown {
  const { issuer, jwk, cacheEntries } = settings
  const rules = { issuer, audience, algorithm: 'RS256', jwk, scope, cacheEntries }
  if (!settings.dpop) {
    const verify = createTokenLimit(rules)
    return ({ headers }) => verify(headers.authorization)
  }
  const verify = createBoundTokenLimit(rules)
  return ({ headers, method = '', url = '' }) => {
    const { authorization = '', dpop, host } = headers
    return verify({ authorization, dpop: String(dpop), method, url: `http://${host}${url}` })
  }
}

export interface NodeMessage {
  readonly headers: {
    readonly authorization?: string | undefined
    readonly host?: string | undefined
    readonly dpop?: unknown
  }
  readonly method?: string | undefined
  readonly url?: string | undefined
}

export function portcullisServer({ issuer, cacheEntries, dpop }: AppSettings) {
  return createResourceServer({
    resource: audience,
    issuer,
    allowInsecureLoopback: true,
    tokenCacheEntries: cacheEntries,
    dpop: dpop ? { mode: 'required', targetOrigin: 'connection' } : 'off',
  })
}

/** jose with a remote key set, as its documentation has it. */
export async function joseOf({ issuer, jwksUri }: AppSettings): Promise<(request: NodeMessage) => Promise<unknown>> {
  const { createRemoteJWKSet, jwtVerify } = await peer<typeof import('jose')>('jose')
  const keys = createRemoteJWKSet(new URL(jwksUri))
  const options = { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
  return async ({ headers }) => {
    const { payload } = await jwtVerify(String(headers.authorization).slice('Bearer '.length), keys, options)
    if (!String(payload['scope']).split(' ').includes(scope)) throw new Error('scope')
    return payload
  }
}
