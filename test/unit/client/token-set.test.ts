import { inspect } from 'node:util'
import { tokenSetFromResponse } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { setUpClient } from '../../support/client-set-up.js'
import { answer, plain, tokens } from '../../support/fake-token-endpoint.js'

describe('a token answer', () => {
  it('[AZ-07] [S0-50] [D10] becomes a frozen token set with the expiry counted from local receipt', async () => {
    const { server, client, time } = setUpClient()
    server.script('/token', tokens({ expires_in: 60, scope: 'a  b', refresh_token: 'the-refresh-token', extra: 1 }))
    time.nowMs = 1_900_000_000_500
    const token = await client.clientCredentials({ scope: 'z' })
    expect(token).toMatchObject({ tokenType: 'Bearer', expiresAt: 1_900_000_060, scope: ['a', 'b'] })
    expect(token.refreshToken).toBe('the-refresh-token')
    expect(token.raw['extra']).toBe(1)
    expect(Object.isFrozen(token)).toBe(true)
    expect(Object.isFrozen(token.raw)).toBe(true)
    expect(Object.isFrozen(token.scope)).toBe(true)
  })

  it('[S1-72] says when it came, when its refresh token expires, and keeps what no specification names', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      tokens({ refresh_token: 'r', refresh_expires_in: 1800, team: { id: 'T1' } }),
      tokens({ refresh_token: 'r', refresh_token_expires_in: 15_811_200 }),
      tokens({ refresh_token: 'r', refresh_expires_in: 0 }),
      tokens({ refresh_token: 'r', refresh_expires_in: 'never' }),
    )
    const renew = () => client.clientCredentials({}, { forceRefresh: true })
    const token = await renew()
    expect(token).toMatchObject({ issuedAt: 1_800_000_000, refreshExpiresAt: 1_800_001_800 })
    expect(token.metadata).toEqual({ team: { id: 'T1' } })
    expect(Object.isFrozen(token.metadata)).toBe(true)
    expect(token.idToken).toBeUndefined()
    expect((await renew()).refreshExpiresAt).toBe(1_815_811_200)
    expect((await renew()).refreshExpiresAt).toBeUndefined()
    expect((await renew()).refreshExpiresAt).toBeUndefined()
  })

  it('[AZ-07] takes the requested scope where the server names none, and a numeric string as expiry', async () => {
    const { server, client } = setUpClient()
    server.script('/token', tokens({ expires_in: '60' }))
    const token = await client.clientCredentials({ scope: 'b a' })
    expect(token).toMatchObject({ scope: ['b', 'a'], expiresAt: 1_800_000_060 })
  })

  it('shows no token in inspect, JSON, Object.entries or a copy', async () => {
    const { server, client } = setUpClient()
    server.script('/token', tokens({ access_token: 'CANARY-access', refresh_token: 'CANARY-refresh' }))
    const token = await client.clientCredentials()
    const views = [inspect(token, { showHidden: true, depth: 9 }), JSON.stringify(token), JSON.stringify({ ...token })]
    for (const view of views) expect(view).not.toContain('CANARY')
    expect(token.accessToken).toBe('CANARY-access')
  })

  it.each([
    ['no access token', answer({ token_type: 'Bearer' })],
    ['no token type', answer({ access_token: 'a' })],
    ['an expiry that is no number', tokens({ expires_in: 'soon' })],
    ['a scope that is no string', tokens({ scope: ['a'] })],
    ['an array', plain('[]')],
    ['broken JSON', plain('{"access_token":')],
    ['HTML by its type, JSON by its body', plain('{"access_token":"a","token_type":"Bearer"}', 'text/html')],
    ['no type at all', plain('{"access_token":"a","token_type":"Bearer"}', '')],
    [
      'bytes that are no UTF-8',
      () => new Response(new Uint8Array([0xff, 0xfe]), { headers: { 'content-type': 'application/json' } }),
    ],
  ])('[AZ-07] is refused with %s', async (_name, behaviour) => {
    const { server, client } = setUpClient()
    server.script('/token', behaviour)
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_RESPONSE_MALFORMED', retryable: false })
  })

  it('[AZ-07] may be of any JSON media type', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      plain('{"access_token":"a","token_type":"Bearer"}', 'application/vnd.x+json; charset=utf-8'),
    )
    expect((await client.clientCredentials()).accessToken).toBe('a')
  })

  it('[S1-72] [S1-73] [S1-74] [S2-31] has its times, its ID token and the members nobody knows', async () => {
    const { server, client } = setUpClient()
    const more = { refresh_token: 'CANARY-r', refresh_expires_in: 7200, session_state: 'CANARY-s' }
    server.script('/token', tokens(more))
    const token = await client.clientCredentials()
    expect(token).toMatchObject({ issuedAt: 1_800_000_000, expiresAt: 1_800_003_600, refreshExpiresAt: 1_800_007_200 })
    expect(token.metadata).toEqual({ session_state: 'CANARY-s' })
    expect(Object.isFrozen(token.metadata)).toBe(true)
    const all = [token, received({ id_token: 'CANARY-id', session_state: 'CANARY-s' })]
    expect(all[1]?.idToken).toBe('CANARY-id')
    expect(inspect(all, { showHidden: true, depth: 9 }) + JSON.stringify(all)).not.toContain('CANARY')
  })

  it.each([
    ['refresh_token_expires_in', '60', 1_800_000_060],
    ['refresh_expires_in', 0, undefined],
    ['refresh_expires_in', undefined, undefined],
  ])('[S1-74] takes the end of the refresh token from %s: %s', (name, value, expected) => {
    expect(received({ [name]: value }).refreshExpiresAt).toBe(expected)
  })
})

const clock = () => 1_800_000_000_500
const received = (members: object, options?: object) =>
  tokenSetFromResponse({ access_token: 'the-access', token_type: 'bearer', ...members }, { clock, ...options })

describe('tokenSetFromResponse', () => {
  it('[S1-78] makes a set of an answer that another client received', () => {
    const token = received({ expires_in: '60', scope: 'a b', issued_token_type: 't', team: 1 }, { scope: ['z'] })
    expect(token).toMatchObject({ tokenType: 'Bearer', issuedAt: 1_800_000_000, expiresAt: 1_800_000_060 })
    expect(token).toMatchObject({ scope: ['a', 'b'], issuedTokenType: 't' })
    expect(token.metadata).toEqual({ team: 1 })
    expect(received({}, { scope: ['z'] }).scope).toEqual(['z'])
    expect(received({}).scope).toEqual([])
    const named = { expires_in: 1, scope: 'a', refresh_token: 'r', refresh_expires_in: 1, refresh_token_expires_in: 1 }
    expect(received({ ...named, id_token: 'i', issued_token_type: 't' }).metadata).toEqual({})
    expect(received({ expires_in: '' }).expiresAt).toBeUndefined()
    expect(tokenSetFromResponse({ access_token: 'a', token_type: 'DPoP' }).issuedAt).toBeGreaterThan(1_700_000_000)
  })

  it.each([
    ['no object', 'text'],
    ['no access token', { token_type: 'Bearer' }],
    ['an empty access token', { access_token: '', token_type: 'Bearer' }],
    ['no token type', { access_token: 'a' }],
    ['a life of white space', { access_token: 'a', token_type: 'Bearer', expires_in: {} }],
    ['a negative life', { access_token: 'a', token_type: 'Bearer', expires_in: -1 }],
    ['a life that is no number', { access_token: 'a', token_type: 'Bearer', refresh_expires_in: 'soon' }],
    ['a life of another type', { access_token: 'a', token_type: 'Bearer', expires_in: true }],
    ['a refresh token that is no text', { access_token: 'a', token_type: 'Bearer', refresh_token: 1 }],
    ['another life that is no number', { access_token: 'a', token_type: 'Bearer', refresh_token_expires_in: 'soon' }],
    ['a scope that is no text', { access_token: 'a', token_type: 'Bearer', scope: ['a'] }],
    ['an issued type that is no text', { access_token: 'a', token_type: 'Bearer', issued_token_type: 1 }],
    ['an ID token that is no text', { access_token: 'a', token_type: 'Bearer', id_token: {} }],
  ])('[S1-78] refuses %s', (_name, data) => {
    expect(() => tokenSetFromResponse(data)).toThrow(expect.objectContaining({ code: 'ERR_RESPONSE_MALFORMED' }))
  })

  it('[S1-78] refuses a token of a type that is not known', () => {
    const mac = { token_type: 'mac' }
    expect(() => received(mac)).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_TYPE_UNUSABLE' }))
    expect(() => received({ token_type: 'constructor' })).toThrow('type that cannot be used')
  })
})
