import { createResourceServer, type PortcullisEvent, type ResourceServerOptions } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const credential = clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' })
const resource = 'https://api.example.com'

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  } as ResourceServerOptions)
  const ask = (token: string) => server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
  return { server, ask, events }
}

const sound = { shared: false, failures: 0, lastFailure: undefined }

describe('the health of a server', () => {
  it('[S4-12] is ok once the keys are there, and says so of everything it depends on', async () => {
    const { server } = setUp()
    expect(server.health()).toMatchObject({ status: 'unavailable', ready: false })
    await server.warmUp()
    expect(server.health()).toEqual({
      status: 'ok',
      ready: true,
      issuers: { [issuer.issuer]: expect.objectContaining({ state: 'fresh', introspection: undefined }) },
      stores: { replay: sound, revocation: sound },
    })
  })

  it('[S4-12] is unavailable until the keys of every listed issuer are there', async () => {
    const other = createTestIssuer({ clock: clock.now, issuer: 'https://other.test' })
    const server = createResourceServer({
      ...{ resource, issuer: [issuer.issuer, other.issuer], clock: clock.now },
      fetch: (url, init) => (String(url).startsWith(other.issuer) ? other : issuer).fetch(url, init),
    })
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken()}` } }))
    expect(server.health()).toMatchObject({ status: 'unavailable', ready: false })
    await server.warmUp()
    expect(server.health()).toMatchObject({ status: 'ok', ready: true })
  })

  it('[S4-12] is degraded, and ready, while known keys serve past their time', async () => {
    const { server, ask } = setUp()
    await server.warmUp()
    issuer.override('jwks', { kind: 'down' })
    clock.advance(3600_000)
    await ask(issuer.mintToken())
    const issuers = { [issuer.issuer]: { state: 'stale' } }
    expect(server.health()).toMatchObject({ status: 'degraded', ready: true, issuers })
    clock.advance(3601_000)
    await ask(issuer.mintToken())
    expect(server.health()).toMatchObject({ status: 'unavailable', ready: false })
    issuer.restore()
  })

  it('[S4-12] is degraded, and ready, while the introspection endpoint is down', async () => {
    const { server, ask } = setUp({
      issuer: {
        issuer: issuer.issuer,
        introspection: { credential, breaker: { failureThreshold: 1, resetTimeoutMs: 1000 } },
      },
    })
    await server.warmUp()
    expect(server.health()).toMatchObject({
      status: 'ok',
      issuers: { [issuer.issuer]: { introspection: { circuit: 'closed', inFlight: 0 } } },
    })
    issuer.override('introspection', { kind: 'down' })
    await ask(issuer.mintOpaqueToken())
    issuer.restore()
    expect(server.health()).toMatchObject({
      status: 'degraded',
      ready: true,
      issuers: { [issuer.issuer]: { introspection: { circuit: 'open', inFlight: 0 } } },
    })
  })

  it('[S4-12] is degraded, and ready, while a store fails, and tells when it answers again', async () => {
    let isDown = true
    const or = <T>(answer: T) => (isDown ? Promise.reject(new TypeError('hunter2')) : Promise.resolve(answer))
    const { server, events } = setUp({
      dpop: { replayStore: { reserve: () => or(true) } },
      revocationStore: { revoke: () => or(undefined), revokedAt: (keys) => or(keys.map(() => undefined)) },
    })
    const client = createDpopClient({ clock: clock.now })
    const prove = () => {
      const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
      return server.authenticate(requestFacts({ headers: client.headers({ url: `${resource}/`, accessToken }) }))
    }
    const revoke = () => server.revoke({ issuer: issuer.issuer, sub: 'ada' })
    await server.warmUp()
    await prove()
    await expect(revoke()).rejects.toThrow()
    const failing = { shared: true, failures: 1, lastFailure: 'TypeError' }
    expect(server.health()).toMatchObject({
      status: 'degraded',
      ready: true,
      stores: { replay: failing, revocation: failing },
    })
    isDown = false
    expect((await prove()).ok).toBe(true)
    expect(server.health()).toMatchObject({ status: 'ok', stores: { replay: { failures: 0 } } })
    await revoke()
    await server.revoke({ issuer: issuer.issuer, sid: 's1' })
    await server.revoke({ issuer: issuer.issuer, jti: 'j1' })
    expect(events.filter(({ type }) => type === 'store.recovered' || type === 'revocation.added')).toEqual([
      { type: 'store.recovered', store: 'replay', failures: 1 },
      { type: 'store.recovered', store: 'revocation', failures: 1 },
      { type: 'revocation.added', issuer: issuer.issuer, kind: 'subject' },
      { type: 'revocation.added', issuer: issuer.issuer, kind: 'session' },
      { type: 'revocation.added', issuer: issuer.issuer, kind: 'token' },
    ])
    expect(JSON.stringify([events, server.health()])).not.toContain('hunter2')
  })

  it('[S4-12] stays ready where the keys of one tenant cannot be had: the others are served', async () => {
    const { server, ask } = setUp({ issuer: () => ({}), tenants: [issuer.issuer, 'https://down.test'] })
    await ask(issuer.mintToken())
    await ask(issuer.mintToken({ iss: 'https://down.test' }))
    expect(server.health()).toMatchObject({
      status: 'degraded',
      ready: true,
      issuers: { [issuer.issuer]: { state: 'fresh' }, 'https://down.test': { state: 'empty' } },
    })
  })
})
