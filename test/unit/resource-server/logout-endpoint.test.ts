import { createResourceServer, type PortcullisEvent } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts, signCompact } from 'portcullis/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const now = clock.now() / 1000

function setUp(settings: object = {}) {
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: { issuer: issuer.issuer, logoutAudience: 'api-client', ...settings },
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => void events.push(event),
  })
  const send = (token: unknown) =>
    server.backchannelLogout(requestFacts({ method: 'POST', url: '/logout', formBody: { logout_token: token } }))
  const told = () => events.filter(({ type }) => type.startsWith('logout.'))
  return { server, send, told }
}

let count = 0
function logoutToken(changes: object = {}): string {
  const key = issuer.signingKey()
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const claims = {
    iss: issuer.issuer,
    aud: 'api-client',
    iat: now,
    exp: now + 120,
    jti: `j${count++}`,
    sub: 'ada',
    events,
  }
  return signCompact({
    header: { typ: 'logout+jwt', alg: key.algorithm, kid: key.kid },
    payload: { ...claims, ...changes },
    key,
  })
}

const longest = 16_384

describe('the logout endpoint', () => {
  it('[LOGO-02] takes a token by POST, and answers any other method by 405', async () => {
    const { server, send, told } = setUp()
    expect(await server.backchannelLogout(requestFacts({ method: 'GET' }))).toEqual({
      status: 405,
      headers: { 'Cache-Control': 'no-store', Allow: 'POST' },
      body: '',
    })
    expect(await send(logoutToken())).toMatchObject({ status: 200 })
    expect(told()).toEqual([{ type: 'logout.accepted', issuer: issuer.issuer, kind: 'subject' }])
  })

  it.each<[string, unknown, string, string | undefined]>([
    ['none', undefined, 'ERR_TOKEN_MALFORMED', 'no logout_token'],
    ['two', ['a', 'b'], 'ERR_TOKEN_MALFORMED', 'no logout_token'],
    ['one too large', 'x'.repeat(longest + 1), 'ERR_TOKEN_TOO_LARGE', undefined],
    ['one just not too large', 'x'.repeat(longest), 'ERR_TOKEN_ISSUER', undefined],
    ['no JWT', 'opaque', 'ERR_TOKEN_ISSUER', undefined],
    ['one without issuer', () => logoutToken({ iss: undefined }), 'ERR_TOKEN_ISSUER', undefined],
    ['one of a list of issuers', () => logoutToken({ iss: [issuer.issuer] }), 'ERR_TOKEN_ISSUER', undefined],
    ['one of another issuer', () => logoutToken({ iss: 'https://other.test' }), 'ERR_TOKEN_ISSUER', undefined],
  ])('[LOGO-02] refuses %s', async (_name, given, code, detail) => {
    const { send, told } = setUp()
    expect((await send(typeof given === 'function' ? given() : given)).status).toBe(400)
    expect(told()).toEqual([{ type: 'logout.refused', code, status: 401, detail }])
  })

  it('[LOGO-02] refuses every token without logoutAudience', async () => {
    const { send, told } = setUp({ logoutAudience: undefined })
    await send(logoutToken())
    expect(told()).toMatchObject([{ code: 'ERR_TOKEN_AUDIENCE', detail: 'no logoutAudience' }])
  })

  it('[REAL-35] takes a token without exp where the issuer may leave it out, and nowhere else', async () => {
    const lenient = setUp({ optionalLogoutClaims: ['exp'] })
    expect((await lenient.send(logoutToken({ exp: undefined }))).status).toBe(200)
    expect((await setUp().send(logoutToken({ exp: undefined }))).status).toBe(400)
  })

  it('[REAL-26] is a fault of the application where nothing parsed the form', async () => {
    const { server } = setUp()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const unparsed = requestFacts({ method: 'POST', headers })
    await expect(server.backchannelLogout(unparsed)).rejects.toThrow(
      'Nothing parsed the form of a request to `backchannelLogout`: mount a body parser for application/x-www-form-urlencoded before it, or give `formBody`.',
    )
    const { formBody: _, ...without } = requestFacts({ method: 'POST' })
    expect((await server.backchannelLogout(without as never)).status).toBe(400)
  })
})

describe('the logout endpoint of tenants', () => {
  it('[LOGO-02] asks of no issuer that is no text', async () => {
    const has = vi.fn(() => true)
    const server = createResourceServer({
      ...{ resource: 'https://api.example.com', fetch: issuer.fetch, clock: clock.now },
      ...{ issuer: () => ({ logoutAudience: 'api-client' }), tenants: { has } },
    })
    const send = (iss: unknown) =>
      server.backchannelLogout(requestFacts({ method: 'POST', formBody: { logout_token: logoutToken({ iss }) } }))
    expect((await send(7)).status).toBe(400)
    expect(has).not.toHaveBeenCalled()
    expect((await send(issuer.issuer)).status).toBe(200)
  })
})

describe('server.revoke', () => {
  it('[REAL-19] takes issuers that are trusted here alone', async () => {
    const { server } = setUp()
    await expect(server.revoke({ issuer: 'https://other.test', sub: 'ada' })).rejects.toThrow(
      '`revoke` names an issuer not trusted here.',
    )
    await expect(server.revoke({ issuer: issuer.issuer, sub: 'ada' })).resolves.toBeUndefined()
  })
})
