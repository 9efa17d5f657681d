import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Fetch } from 'portcullis'
import { caFetch } from 'portcullis/native'
import { Agent, fetch as undiciFetch } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/certificates.js'
import { expectComeAgain, type FaultyApi, faultyApi, fetchLimitMs } from './api.js'

const hour = 3_600_000

/** An API whose key server is reached over TLS, at the name `localhost`. */
async function apiOverTls(plan: { host?: string; lifeMs?: number; isTrusted?: boolean }): Promise<FaultyApi> {
  const { host = 'localhost', lifeMs = hour, isTrusted = true } = plan
  const authority = await createAuthority('faults')
  const trusted = isTrusted ? authority : await createAuthority('another')
  const { cert, key } = await authority.issue(host, lifeMs)
  const keys: { jwks: unknown } = { jwks: { keys: [] } }
  const https = createServer({ cert, key }, (_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(keys.jwks))
  }).listen(0, '127.0.0.1')
  await once(https, 'listening')
  onTestFinished(() => void https.close().closeAllConnections())
  const jwksUri = `https://localhost:${(https.address() as AddressInfo).port}/jwks`
  const fetch = caFetch({ ca: trusted.cert }) as unknown as Fetch
  const api = await faultyApi((_, { issuer }) => ({
    issuer: { issuer, jwksUri, keyCache: { timeoutMs: 2000 } },
    fetch,
  }))
  keys.jwks = { keys: api.issuer.publishedKeys() }
  return api
}

describe('the certificate of a key server', () => {
  it('that is right lets users pass', async () => {
    expect((await (await apiOverTls({})).get()).status).toBe(200)
  })

  it.each([
    ['has expired', { lifeMs: -60_000 }],
    ['is for another host', { host: 'elsewhere.example.com' }],
    ['comes from an unknown authority', { isTrusted: false }],
  ])('that %s means 503 with Retry-After', async (_, plan) => {
    const { get, reasons } = await apiOverTls(plan)
    expectComeAgain(await get(), 3000)
    expect(reasons('keys.failed')).toEqual(['network'])
  })
})

type Lookup = (
  host: string,
  options: object,
  found: (error: Error | null, address?: string, family?: number) => void,
) => void

/** An API whose key server has a name, which is looked up in this way. */
function apiWithNames(lookup: Lookup): Promise<FaultyApi> {
  const dispatcher = new Agent({ connect: { lookup: lookup as never } })
  const fetch: Fetch = async (url, init) => (await undiciFetch(url, { ...init, dispatcher })) as unknown as Response
  return faultyApi((_, { issuer }) => ({
    issuer: { issuer, jwksUri: 'https://keys.example.com/jwks', keyCache: { timeoutMs: fetchLimitMs } },
    fetch,
  }))
}

describe('the name of a key server', () => {
  it('that is not found means 503 with Retry-After', async () => {
    const { get, reasons } = await apiWithNames((host, _options, found) =>
      found(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })),
    )
    expectComeAgain(await get())
    expect(reasons('keys.failed')).toEqual(['network'])
  })

  it('that no name server answers for means 503 with Retry-After, within the time limit', async () => {
    const { get, reasons } = await apiWithNames(() => {})
    expectComeAgain(await get())
    expect(reasons('keys.failed')).toEqual(['timeout'])
  })
})
