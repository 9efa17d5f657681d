import { createHash } from 'node:crypto'
import {
  type Auth,
  type AuthError,
  createResourceServer,
  InsufficientScopeError,
  type PortcullisEvent,
  type Requirement,
} from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { derBase64 } from '../../support/certificates.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
const events: PortcullisEvent[] = []
const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  clock: clock.now,
  implies: { admin: ['write'] },
  onEvent: (event) => events.push(event),
})

async function caller(claims: Record<string, unknown> = {}, headers?: Record<string, string>): Promise<Auth> {
  const token = issuer.mintToken(claims)
  const result = await server.authenticate(requestFacts({ headers: headers ?? { authorization: `Bearer ${token}` } }))
  if (!result.ok) throw result.error
  return result.auth
}

afterAll(() => issuer.close())

describe('a proxy that strips a path prefix', () => {
  it.each(['/api', '/v1.0/~team', undefined])('[REAL-43] is behind dpop.pathPrefix %s', async (pathPrefix) => {
    const { issuer: identifier, fetch } = issuer
    const dpop = { pathPrefix }
    const behind = createResourceServer({
      resource: 'https://api.example.com',
      issuer: identifier,
      fetch,
      clock: clock.now,
      dpop,
    })
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    for (const called of ['', '/api', '/v1.0/~team']) {
      const headers = client.headers({ url: `https://api.example.com${called}/users`, accessToken })
      const { ok } = await behind.authenticate(requestFacts({ url: '/users', headers }))
      expect(ok, called).toBe(called === (pathPrefix ?? ''))
    }
  })
})

describe('check', () => {
  it('[MCP-09] lets a caller pass who has what the operation demands, by a broader scope too', async () => {
    await server.checkAsync(await caller({ scope: 'admin' }), { scope: 'write' })
  })

  it('[MCP-08] names every scope the operation needs', async () => {
    const auth = await caller({ scope: 'read' })
    const error = await server.checkAsync(auth, { scope: 'read write' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InsufficientScopeError)
    expect(server.refuse(error, auth).answer).toMatchObject({
      status: 403,
      headers: { 'WWW-Authenticate': expect.arrayContaining([expect.stringContaining('scope="read write"')]) },
    })
  })

  it('reports a refusal once, though it is thrown first and answered later', async () => {
    const auth = await caller({ scope: 'read' })
    events.length = 0
    const error = await server.checkAsync(auth, { scope: 'write' }).catch((thrown: unknown) => thrown)
    server.refuse(error, auth)
    expect(events).toMatchObject([{ type: 'auth.refused', code: 'ERR_SCOPE_INSUFFICIENT' }])
  })

  it.each([
    ['lets through', true],
    ['refuses', false],
  ])('throws where it would have to wait, whether in the end `allow` %s', async (_what, answer) => {
    const auth = await caller()
    expect(() => server.check(auth, { allow: async () => answer })).toThrow(
      '`server.check` would have to wait: for `allow`, `isRevoked`, a revocation store, introspection or keys. ' +
        'Write `await server.checkAsync(auth, requirement)`.',
    )
    expect(() => server.check(auth, { allow: () => Promise.reject(new Error('mine')) })).toThrow(/would have to wait/)
    const checked = server.checkAsync(auth, { allow: async () => answer })
    await (answer ? checked : expect(checked).rejects.toMatchObject({ status: 403 }))
  })

  it('[MCP-05] refuses a token that has expired since', async () => {
    const auth = await caller()
    clock.advance(3_600_000)
    await expect(server.checkAsync(auth, {})).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
  })

  it('refuses a token that was revoked since', async () => {
    const auth = await caller({ jti: 'to-be-revoked' })
    await server.revoke({ issuer: issuer.issuer, jti: 'to-be-revoked' })
    await expect(server.checkAsync(auth, {})).rejects.toMatchObject({ code: 'ERR_TOKEN_REVOKED' })
  })

  it("asks the requirement's `allow`", async () => {
    await expect(server.checkAsync(await caller(), { allow: () => false })).rejects.toMatchObject({ status: 403 })
  })

  it('[DPOP-11] wants a bound token where the operation does, and uses no proof up', async () => {
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const bound = await caller({}, client.headers({ url: 'https://api.example.com/', accessToken }))
    await server.checkAsync(bound, { dpop: 'required' })
    await server.checkAsync(bound, { dpop: 'required' })
    await expect(server.checkAsync(await caller(), { dpop: 'required' })).rejects.toMatchObject({
      code: 'ERR_TOKEN_UNBOUND',
    })
    await expect(server.checkAsync(bound, { mtls: 'required' })).rejects.toMatchObject({ code: 'ERR_TOKEN_UNBOUND' })
  })

  it('[C-10] forgets a proof once it is too old, by the clock of the server', async () => {
    const client = createDpopClient({ clock: clock.now })
    const send = () => {
      const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
      const headers = client.headers({ url: 'https://api.example.com/', accessToken, claims: { jti: 'one' } })
      return server.authenticate(requestFacts({ headers }))
    }
    expect((await send()).ok).toBe(true)
    expect(await send()).toMatchObject({ ok: false, error: { code: 'ERR_PROOF_REPLAYED' } })
    clock.advance(600_000)
    expect((await send()).ok).toBe(true)
  })

  describe('binding', () => {
    const modes = ['off', 'allowed', 'required'] as const
    const der = Buffer.from(derBase64, 'base64')
    const x5t = createHash('sha256').update(der).digest('base64url')

    async function outcomes(cnf: Record<string, string> | undefined, requirement: Requirement) {
      const client = createDpopClient({ clock: clock.now })
      const withKey = cnf?.['jkt'] === undefined ? cnf : { ...cnf, jkt: client.jkt }
      const accessToken = issuer.mintToken(withKey && { cnf: withKey })
      const headers = () =>
        cnf?.['jkt'] === undefined
          ? { authorization: `Bearer ${accessToken}` }
          : client.headers({ url: 'https://api.example.com/', accessToken })
      const facts = () => requestFacts({ headers: headers(), clientCertificate: der })
      const atGate = await server.guard(requirement)(facts())
      const admitted = await server.authenticate(facts())
      if (!admitted.ok) throw admitted.error
      const later = await server.checkAsync(admitted.auth, requirement).then(
        () => 'passes',
        (error: AuthError) => error.code,
      )
      return { atGate: atGate.ok ? 'passes' : atGate.error.code, later }
    }

    it.each([
      ['unbound', undefined],
      ['bound to a key', { jkt: 'of the client' }],
      ['bound to a certificate', { 'x5t#S256': x5t }],
      ['bound to both', { jkt: 'of the client', 'x5t#S256': x5t }],
    ])('[REAL-21] judges a token %s as a gate of the same requirement does', async (_, cnf) => {
      for (const dpop of modes) {
        for (const mtls of modes) {
          const { atGate, later } = await outcomes(cnf, { dpop, mtls })
          expect(later, `dpop ${dpop}, mtls ${mtls}`).toBe(atGate)
        }
      }
    })
  })

  it.each([
    [true, 1],
    [false, 0],
  ])('[DPOP-17] [DPOP-20] owes the next nonce to a caller refused later, onSuccess: %s', async (onSuccess, count) => {
    const nonce = { secrets: ['0123456789abcdef0123456789abcdef'], onSuccess }
    const { issuer: identifier, fetch } = issuer
    const resource = 'https://api.example.com'
    const gated = createResourceServer({ resource, issuer: identifier, fetch, clock: clock.now, dpop: { nonce } })
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt }, scope: 'read' })
    const send = (nonce?: string) =>
      gated.authenticate(
        requestFacts({ headers: client.headers({ url: 'https://api.example.com/', accessToken, nonce }) }),
      )
    const first = await send()
    const given = String(first.ok || first.answer.headers['DPoP-Nonce'])
    const second = await send(given)
    if (!second.ok) throw second.error
    const error = await gated.checkAsync(second.auth, { scope: 'write' }).catch((thrown: unknown) => thrown)
    const { headers, status } = gated.refuse(error, second.auth).answer
    expect(status).toBe(403)
    expect(headers['Cache-Control']).toBe('no-store')
    const exposed = { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' }
    expect(second.headers).toEqual(
      onSuccess ? { ...exposed, 'Cache-Control': 'no-store', 'DPoP-Nonce': expect.any(String) } : {},
    )
    expect([headers['DPoP-Nonce']].flat().filter((value) => value === given)).toHaveLength(count)
    expect(gated.refuse(error).answer.headers).not.toHaveProperty('DPoP-Nonce')
  })
})
