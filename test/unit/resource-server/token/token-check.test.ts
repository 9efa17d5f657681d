import { createResourceServer, type IntrospectionOptions, type JsonObject } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { github } from 'portcullis/providers'
import { createFrozenClock, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const resource = 'https://api.example.com'
const clientId = 'Iv1.8a61f9b3a7aba766'
const credential = clientSecretBasic({ clientId, clientSecret: 'app-secret' })
const token = 'gho_16C7e42F292c6912E7710c838347Ae178B4a'
/** What GitHub answers for a good token, shortened: it repeats the token. */
const good = {
  id: 1,
  token,
  hashed_token: 'h',
  scopes: ['read:user', 'user:email'],
  app: { client_id: clientId, name: 'My app' },
  user: { id: 583231, login: 'octocat' },
  expires_at: null,
}

interface Call {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function world(answer: JsonObject | string, status = 200, issuer = github({ clientId, credential })) {
  const calls: Call[] = []
  const clock = createFrozenClock()
  const server = createResourceServer({
    resource,
    issuer,
    clock: clock.now,
    fetch: async (url, { headers, body = '' }) => {
      calls.push({ url, headers, body })
      return typeof answer === 'string' ? new Response(answer, { status }) : Response.json(answer, { status })
    },
  })
  const authenticate = (text = token) =>
    server.authenticate(requestFacts({ headers: { authorization: `Bearer ${text}` } }))
  const call = async (text?: string) => {
    const result = await authenticate(text)
    return result.ok ? 'ok' : `${result.answer.status} ${result.error.code}`
  }
  return { calls, server, authenticate, call }
}

describe('tokens of GitHub', () => {
  it('[REAL-29] are asked about at the endpoint of the app, once', async () => {
    const { calls, authenticate } = world(good)
    const results = [await authenticate(), await authenticate()]
    expect(results.map(({ ok }) => ok)).toEqual([true, true])
    expect(calls).toHaveLength(1)
    expect(calls[0]?.url).toBe(`https://api.github.com/applications/${clientId}/token`)
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ access_token: token })
    expect(calls[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/vnd.github+json',
      'user-agent': 'portcullis',
      authorization: expect.stringMatching(/^Basic /),
    })
  })

  it('[REAL-31] are read from the answer, which is not kept', async () => {
    const result = await world(good).authenticate()
    if (!result.ok) throw result.error
    const { auth } = result
    expect(auth).toMatchObject({
      issuer: 'https://github.com/login/oauth',
      subject: '583231',
      clientId,
      scopes: ['read:user', 'user:email'],
      isClientToken: false,
    })
    expect(auth.claims['preferred_username']).toBe('octocat')
    expect(JSON.stringify(auth)).not.toContain(token)
    expect(JSON.stringify(auth)).not.toContain('hashed_token')
  })

  it('[REAL-31] hold no claim that the answer leaves out', async () => {
    const result = await world({ ...good, scopes: null }).authenticate()
    expect(result.ok && Object.values(result.auth.claims).every((value) => value !== undefined)).toBe(true)
    expect(result.ok && result.auth.claims).not.toHaveProperty('scope')
  })

  it.each<[string, JsonObject, string]>([
    ['of another app', { ...good, app: { client_id: 'another' } }, '401 ERR_TOKEN_AUDIENCE'],
    ['of no app', { ...good, app: null }, '401 ERR_TOKEN_AUDIENCE'],
    ['without a user', { ...good, user: null }, '401 ERR_TOKEN_CLAIM_MISSING'],
    ['whose user is no number', { ...good, user: { id: 1.5 } }, '401 ERR_TOKEN_CLAIM_INVALID'],
    ['that say nothing', {}, '401 ERR_TOKEN_CLAIM_MISSING'],
    ['that name an audience', { ...good, aud: resource, active: true, sub: 'x' }, 'ok'],
    ['without scopes', { ...good, scopes: null }, 'ok'],
  ])('[REAL-29] %s: %s', async (_what, answer, outcome) => {
    expect(await world(answer).call()).toBe(outcome)
  })

  it.each<[number, string]>([
    [404, '401 ERR_TOKEN_INACTIVE'],
    [401, '503 ERR_INTROSPECTION_UNAVAILABLE'],
    [422, '503 ERR_INTROSPECTION_UNAVAILABLE'],
    [500, '503 ERR_INTROSPECTION_UNAVAILABLE'],
    [204, '503 ERR_INTROSPECTION_UNAVAILABLE'],
  ])('with the status %s: %s', async (status, outcome) => {
    const answer = status === 204 ? '' : { message: 'x' }
    const made = status === 204 ? world('<html>', 200) : world(answer, status)
    expect(await made.call()).toBe(outcome)
  })

  it('[REAL-29] tell what was expected of a token that is not good', async () => {
    const result = await world({}, 404).authenticate()
    expect(result.ok || [result.error.expected, result.error.received]).toEqual(['active', 404])
  })

  it('are refused from memory for a while', async () => {
    const { calls, call } = world({ message: 'Not Found' }, 404)
    expect([await call(), await call()]).toEqual(['401 ERR_TOKEN_INACTIVE', '401 ERR_TOKEN_INACTIVE'])
    expect(calls).toHaveLength(1)
  })

  it('need neither keys nor metadata', async () => {
    const { calls, server } = world(good)
    await server.warmUp()
    expect(server.health().ready).toBe(true)
    expect(calls).toEqual([])
  })

  it('refuse a client id that would lead elsewhere', () => {
    expect(() => github({ clientId: 'a/../b', credential })).toThrow(TypeError)
  })
})

describe('tokenCheck', () => {
  const check = { tokenMember: 'access_token', claims: { sub: 'user.id' } }
  const start = (changes: Partial<IntrospectionOptions>) => () =>
    createResourceServer({
      resource,
      issuer: {
        issuer: 'https://issuer.test',
        introspection: { endpoint: 'https://issuer.test/check', credential, tokenCheck: check, ...changes },
      },
    })

  it('starts with the least that it takes', () => {
    expect(start({})).not.toThrow()
    expect(start({ tokenCheck: { ...check, inactiveStatuses: [400, 404, 422, 499] } })).not.toThrow()
    expect(start({ tokenCheck: { ...check, inactiveStatuses: [500] } })).toThrow(
      '`introspection.tokenCheck.inactiveStatuses` takes a list of statuses from 400 to 499, but not 401, 403 and 429.',
    )
  })

  it.each<[string, Partial<IntrospectionOptions>]>([
    ['without an endpoint', { endpoint: undefined }],
    ['beside a signed answer', { signedResponse: true }],
    ['without a member', { tokenCheck: { claims: check.claims } as never }],
    ['with an empty member', { tokenCheck: { ...check, tokenMember: '' } }],
    ['without claims', { tokenCheck: { tokenMember: 'token' } as never }],
    ['without sub', { tokenCheck: { ...check, claims: { client_id: 'app.id' } } }],
    ['with a path of another notation', { tokenCheck: { ...check, claims: { sub: '$.user.id' } } }],
    ['with 401 as inactive', { tokenCheck: { ...check, inactiveStatuses: [401] } }],
    ['with 403 as inactive', { tokenCheck: { ...check, inactiveStatuses: [403] } }],
    ['with 429 as inactive', { tokenCheck: { ...check, inactiveStatuses: [404, 429] } }],
    ['with 500 as inactive', { tokenCheck: { ...check, inactiveStatuses: [500] } }],
    ['with 399 as inactive', { tokenCheck: { ...check, inactiveStatuses: [399] } }],
    ['with 4040 as inactive', { tokenCheck: { ...check, inactiveStatuses: [4040] } }],
    ['with 1404 as inactive', { tokenCheck: { ...check, inactiveStatuses: [1404] } }],
    ['with a text for a status', { tokenCheck: { ...check, inactiveStatuses: ['404'] as never } }],
    ['with half a status', { tokenCheck: { ...check, inactiveStatuses: [404.5] } }],
    ['with a status that is no list', { tokenCheck: { ...check, inactiveStatuses: 404 as never } }],
    ['with a header that is no text', { tokenCheck: { ...check, headers: { a: 1 } as never } }],
    ['with an unknown member', { tokenCheck: { ...check, method: 'GET' } as never }],
  ])('[REAL-34] stops the start %s', (_what, changes) => {
    expect(start(changes)).toThrow(/tokenCheck/)
  })
})
