import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { decodeJwt } from 'jose'
import {
  type AuthenticatedFetchOptions,
  createAuthenticatedFetch,
  type GetTokenOptions,
  NetworkError,
  staticSource,
  type TokenSet,
  type TokenSource,
  tokenSetFromResponse,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { setUpClient } from '../../support/client-set-up.js'

interface Sent {
  readonly url: string
  readonly init: RequestInit
  readonly headers: Headers
}
type Respond = (request: Sent) => Response | Promise<Response>

const base = 'https://api.example.com/v1/'
const ok: Respond = () => new Response('fine')
const answer =
  (status: number, headers: Record<string, string> = {}): Respond =>
  () =>
    new Response('no', { status, headers })
const redirect = (location: string, status = 302) => answer(status, { location })
const tokenOf = (accessToken: string, more: object = {}): TokenSet =>
  tokenSetFromResponse({ access_token: accessToken, token_type: 'Bearer', ...more })

/** A service that answers by a script, the last answer stays; and a source that counts its tokens up. */
function setUp(script: Respond[], options: Partial<AuthenticatedFetchOptions> = {}, more: Partial<TokenSource> = {}) {
  const sent: Sent[] = []
  const asked: GetTokenOptions[] = []
  let count = 0
  const source: TokenSource = {
    async getToken(given = {}) {
      asked.push(given)
      if (count === 0 || given.rejected !== undefined) count += 1
      return tokenOf(`CANARY-${count}`)
    },
    ...more,
  }
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    const request = { url: String(url), init, headers: new Headers(init.headers) }
    sent.push(request)
    const respond = script.length > 1 ? (script.shift() as Respond) : (script[0] as Respond)
    return respond(request)
  }
  const api = createAuthenticatedFetch(source, {
    ...{ allowedOrigins: ['https://api.example.com', 'https://files.example.com'], baseUrl: base, fetch },
    ...options,
  })
  return { api, sent, asked, tokens: () => sent.map(({ headers }) => headers.get('authorization')) }
}

describe('createAuthenticatedFetch', () => {
  it('[S1-31] [S1-39] [BEAR-05] carries the token of its source, by relative and absolute URLs', async () => {
    const { api, sent, tokens } = setUp([ok])
    expect(await (await api('users/me?x=1', { headers: { 'X-Own': '1' } })).text()).toBe('fine')
    await api(new URL('https://files.example.com/a'))
    await api('/root')
    expect(sent.map(({ url }) => url)).toEqual([
      'https://api.example.com/v1/users/me?x=1',
      'https://files.example.com/a',
      'https://api.example.com/root',
    ])
    expect(tokens()).toEqual(Array.from({ length: 3 }, () => 'Bearer CANARY-1'))
    expect(sent[0]?.headers.get('x-own')).toBe('1')
    expect(sent[0]?.url).not.toContain('CANARY')
  })

  it('[S1-36] [S1-37] has a function for each method, which can be taken off', async () => {
    const { api, sent } = setUp([ok])
    const { get, post, put, patch, head, options } = api
    for (const call of [get, post, put, patch, api.delete, head, options]) await call('x', { body: null })
    expect(sent.map(({ init }) => init.method)).toEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])
    await post('notes', { method: 'GET', body: 'text' })
    expect(sent.at(-1)?.init).toMatchObject({ method: 'POST', body: 'text' })
    expect(Object.isFrozen(api)).toBe(true)
  })

  it.each([
    'https://evil.example/',
    '//evil.example/',
    'http://api.example.com/',
    'https://api.example.com:444/',
    'https://api.example.com@evil.example/',
    'https://api.example.com.evil.example/',
    'data:text/plain,x',
    'https://[',
  ])('[S1-39] [D18] sends nothing to %s', async (url) => {
    const { api, sent, asked } = setUp([ok])
    await expect(api(url)).rejects.toMatchObject({
      ...{ name: 'ClientCallError', code: 'ERR_CLIENT_ARGUMENT' },
      message: URL.canParse(url, base)
        ? 'The request cannot be sent: the origin is not among allowedOrigins.'
        : 'The request cannot be sent: no URL.',
    })
    expect([sent.length, asked.length]).toEqual([0, 0])
  })

  it.each(['https://10.0.0.5', 'http://127.0.0.1:8080', 'http://localhost:3000'])(
    '[S1-39] sends to %s, which is named',
    async (origin) => {
      const { api, sent } = setUp([ok], { allowedOrigins: [origin], baseUrl: undefined })
      expect(await (await api(`${origin}/x`)).text()).toBe('fine')
      expect(sent.map(({ url }) => url)).toEqual([`${origin}/x`])
    },
  )

  it('[S1-39] [L16] refuses an Authorization field of the caller', async () => {
    const { api, sent } = setUp([ok])
    const headers = { authorization: 'Bearer CANARY-own' }
    const error = await api('x', { headers }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('must not have `Authorization`') },
    })
    expect(inspect(error)).not.toContain('CANARY')
    expect(sent).toHaveLength(0)
  })

  it('[D24] [L16] sends nothing where there is no token', async () => {
    const getToken = () => Promise.reject(new NetworkError('ERR_CONNECTION'))
    const { api, sent } = setUp([ok], {}, { getToken })
    await expect(api('x')).rejects.toMatchObject({ code: 'ERR_CONNECTION' })
    expect(sent).toHaveLength(0)
  })

  it('[TX-06] sends no token that is none', async () => {
    const { api, sent } = setUp([ok], {}, staticSource(tokenOf('x', { token_type: 'N_A' })))
    await expect(api('x')).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('no access token') },
    })
    expect(sent).toHaveLength(0)
  })

  it('[S1-33] tells its source whether to renew', async () => {
    for (const autoRefresh of [undefined, true, false]) {
      const { api, asked } = setUp([ok], { autoRefresh })
      const { signal } = new AbortController()
      await api('x', { signal })
      expect(asked).toEqual([{ autoRefresh: autoRefresh ?? true, signal }])
    }
  })

  it('[S1-32] gives an attempt up when its time is over, or when the caller does', async () => {
    const silent: Respond = ({ init: { signal } }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const { api } = setUp([silent], { timeoutMs: 10 })
    await expect(api('x')).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(api('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('[S1-38] aborts what is under way when it is closed, and refuses further calls', async () => {
    let started = () => {}
    const under = new Promise<void>((resolve) => {
      started = resolve
    })
    const silent: Respond = () => {
      started()
      return new Promise(() => {})
    }
    const { api, sent, asked } = setUp([silent])
    const call = api('x').catch((thrown: unknown) => thrown)
    await under
    await api[Symbol.asyncDispose]()
    expect(await call).toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    await expect(api.get('x')).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    expect([sent.length, asked.length]).toEqual([1, 1])
  })

  it('refuses options that cannot be right', () => {
    for (const [options, message] of [
      [{ allowedOrigins: undefined }, '`allowedOrigins`'],
      [{ allowedOrigins: [] }, '`allowedOrigins`'],
      [{ allowedOrigins: 'http://api.example.com' }, '`allowedOrigins`'],
      [{ allowedOrigins: 'https://api.example.com/path' }, '`allowedOrigins`'],
      [{ allowedOrigins: 'https://api.example.com/?q' }, '`allowedOrigins`'],
      [{ baseUrl: 'https://other.example/' }, '`baseUrl`'],
      [{ baseUrl: 'nothing' }, '`baseUrl`'],
      [{ timeoutMs: 0 }, '`timeoutMs`'],
      [{ maxRedirects: 6 }, '`maxRedirects`'],
      [{ retryOn401: 1 }, '`retryOn401`'],
      [{ redirects: 1 }, 'redirects'],
    ] as const) {
      expect(() => setUp([ok], options as never), JSON.stringify(options)).toThrow(message)
    }
    expect(() => createAuthenticatedFetch({} as never, { allowedOrigins: base })).toThrow('`source`')
    const local = { allowedOrigins: 'http://127.0.0.1:8080', baseUrl: 'http://127.0.0.1:8080/x' }
    expect(() => setUp([ok], local)).not.toThrow()
  })
})

describe('createAuthenticatedFetch after a 401', () => {
  it.each([
    ['no challenge', answer(401)],
    ['invalid_token', answer(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' })],
  ])('[S1-34] [D19] gets another token and tries once more, with %s', async (_name, refusal) => {
    const { api, asked, tokens, sent } = setUp([refusal])
    const response = await api.post('x', { body: 'text' })
    expect(response.status).toBe(401)
    expect(tokens()).toEqual(['Bearer CANARY-1', 'Bearer CANARY-2'])
    expect(sent.map(({ init }) => init.body)).toEqual(['text', 'text'])
    expect(asked[1]).toMatchObject({ forceRefresh: true, rejected: { accessToken: 'CANARY-1' } })
  })

  it.each([
    ['insufficient_scope', answer(401, { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' })],
    ['a challenge of another scheme', answer(401, { 'WWW-Authenticate': 'Basic realm="x"' })],
    ['a 403', answer(403)],
  ])('[S1-34] [D19] does not try again after %s', async (_name, refusal) => {
    const { api, sent } = setUp([refusal])
    await api('x')
    expect(sent).toHaveLength(1)
  })

  it('[S1-34] does not try again where it was told not to, or the body can be sent only once', async () => {
    const off = setUp([answer(401)], { retryOn401: false })
    expect((await off.api('x')).status).toBe(401)
    const stream = setUp([answer(401)])
    expect((await stream.api.post('x', { body: new ReadableStream(), duplex: 'half' } as RequestInit)).status).toBe(401)
    expect([off.sent.length, stream.sent.length, off.asked.length, stream.asked.length]).toEqual([1, 1, 1, 1])
  })

  it.each([
    ['URLSearchParams', new URLSearchParams('a=1')],
    ['Blob', new Blob(['a'])],
    ['ArrayBuffer', new ArrayBuffer(1)],
    ['Uint8Array', new Uint8Array(1)],
    ['FormData', new FormData()],
  ])('[S1-34] sends a %s twice', async (_name, body) => {
    const { api, sent } = setUp([answer(401), ok])
    expect((await api.put('x', { body })).status).toBe(200)
    expect(sent.map(({ init }) => init.body)).toEqual([body, body])
  })

  it('[S1-34] [D18] goes on after answers without a body', async () => {
    const bare =
      (status: number, headers = {}) =>
      () =>
        new Response(null, { status, headers })
    const { api, sent } = setUp([bare(401), bare(307, { location: 'next' }), ok], { maxRedirects: 1 })
    expect((await api.get('x', { body: null })).status).toBe(200)
    expect(sent.map(({ url }) => url)).toEqual([`${base}x`, `${base}x`, `${base}next`])
    const getToken = async ({ rejected }: GetTokenOptions = {}) => {
      if (rejected !== undefined) throw new NetworkError('ERR_NETWORK')
      return tokenOf('x')
    }
    const lost = setUp([bare(401)], {}, { getToken })
    await expect(lost.api('x')).rejects.toMatchObject({ code: 'ERR_NETWORK' })
  })

  it('[S1-34] [L16] passes on that no other token is to be had, and lets the answer go', async () => {
    let isCancelled = false
    const body = new ReadableStream({
      cancel() {
        isCancelled = true
      },
    })
    const getToken = async ({ rejected }: GetTokenOptions = {}) => {
      if (rejected !== undefined) throw new NetworkError('ERR_NETWORK')
      return tokenOf('x')
    }
    const { api } = setUp([() => new Response(body, { status: 401 })], {}, { getToken })
    await expect(api('x')).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    expect(isCancelled).toBe(true)
    const fixed = setUp([answer(401)], {}, staticSource(tokenOf('only')))
    expect((await fixed.api('x')).status).toBe(401)
    expect(fixed.sent).toHaveLength(1)
  })
})

describe('createAuthenticatedFetch and a bound token', () => {
  it('[DPOP-20] [S1-31] proves the key, and remembers the nonce of the service', async () => {
    const { client } = setUpClient({ dpop: true })
    const source = staticSource(tokenOf('bound', { token_type: 'DPoP' }), client.dpop)
    const nonce = { 'DPoP-Nonce': 'n1', 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' }
    const { api, sent, tokens } = setUp([answer(401, nonce), ok], {}, source)
    expect((await api('x?y=1', { headers: { DPoP: 'a proof of somebody else' } })).status).toBe(200)
    await api('x')
    const proofs = sent.map(({ headers }) => decodeJwt(headers.get('dpop') as string))
    const ath = createHash('sha256').update('bound').digest('base64url')
    expect(proofs[0]).toMatchObject({ htm: 'GET', htu: 'https://api.example.com/v1/x', ath })
    expect(proofs.map(({ nonce: given }) => given)).toEqual([undefined, 'n1', 'n1'])
    expect(tokens()).toEqual(Array.from({ length: 3 }, () => 'DPoP bound'))
  })

  it('[DPOP-20] knows the nonce of a service from one user to the next, each key its own', async () => {
    const { client } = setUpClient({ dpop: true })
    const nonce = { 'DPoP-Nonce': 'n1', 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' }
    const noncesSent = async (user: string, dpop: TokenSource['dpop'], script: Respond[]) => {
      const { api, sent } = setUp(script, {}, { ...staticSource(tokenOf(user, { token_type: 'DPoP' })), dpop })
      expect((await api('x')).status).toBe(200)
      return sent.map(({ headers }) => decodeJwt(headers.get('dpop') as string)['nonce'])
    }
    expect(await noncesSent('alice', client.dpop, [answer(401, nonce), ok])).toEqual([undefined, 'n1'])
    expect(await noncesSent('bob', client.dpop, [ok])).toEqual(['n1'])
    expect(await noncesSent('carol', setUpClient({ dpop: true }).client.dpop, [ok])).toEqual([undefined])
  })

  it('sends none without its key', async () => {
    const { api, sent } = setUp([ok], {}, staticSource(tokenOf('bound', { token_type: 'DPoP' })))
    await expect(api('x')).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('a bound token without its key') },
    })
    expect(sent).toHaveLength(0)
  })

  it.each([
    ['a Bearer token', 'Bearer', 'Bearer error="use_dpop_nonce"', { 'DPoP-Nonce': 'n1' }],
    ['a refusal for another reason', 'DPoP', 'DPoP error="invalid_request"', { 'DPoP-Nonce': 'n1' }],
    ['no nonce', 'DPoP', 'DPoP error="use_dpop_nonce"', {}],
  ])('[DPOP-20] does not try again for a nonce with %s', async (_name, token_type, challenge, nonce) => {
    const { client } = setUpClient({ dpop: true })
    const source = staticSource(tokenOf('t', { token_type }), client.dpop)
    const { api, sent } = setUp([answer(401, { 'WWW-Authenticate': challenge, ...nonce })], {}, source)
    expect((await api('x')).status).toBe(401)
    expect(sent).toHaveLength(1)
  })

  it('[DPOP-20] tries once for a nonce and once for the token', async () => {
    const { client } = setUpClient({ dpop: true })
    let count = 0
    const getToken = async () => {
      count += 1
      return tokenOf(`t${count}`, { token_type: 'DPoP' })
    }
    const refusals = ['use_dpop_nonce', 'invalid_token', 'use_dpop_nonce'].map((error) =>
      answer(401, { 'DPoP-Nonce': 'n1', 'WWW-Authenticate': `DPoP error="${error}"` }),
    )
    const { api, tokens } = setUp(refusals, {}, { getToken, dpop: client.dpop })
    expect((await api('x')).status).toBe(401)
    expect(tokens()).toEqual(['DPoP t1', 'DPoP t1', 'DPoP t2'])
  })
})

describe('createAuthenticatedFetch and redirects', () => {
  it('[D18] follows none unless it is told to', async () => {
    const { api, sent } = setUp([redirect('/other')])
    expect((await api('x', { redirect: 'follow' })).status).toBe(302)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.init.redirect).toBe('manual')
  })

  it('[D18] follows them within the allowed origins, and carries the token there only', async () => {
    const { api, sent } = setUp(
      [redirect('next'), redirect('https://files.example.com/a', 307), redirect('https://evil.example/')],
      { maxRedirects: 5 },
    )
    const response = await api('x')
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://evil.example/'])
    expect(sent.map(({ url }) => url)).toEqual([`${base}x`, `${base}next`, 'https://files.example.com/a'])
  })

  it('[D18] follows as many as it is told to', async () => {
    const { api, sent } = setUp([redirect('again')], { maxRedirects: 2 })
    expect((await api('x')).status).toBe(302)
    expect(sent).toHaveLength(3)
  })

  it.each([
    [303, 'POST', 'GET', null],
    [302, 'POST', 'GET', null],
    [301, 'POST', 'GET', null],
    [303, 'PUT', 'GET', null],
    [302, 'PUT', 'PUT', 'text'],
    [307, 'POST', 'POST', 'text'],
    [308, 'PATCH', 'PATCH', 'text'],
  ])('[D18] after %i sends a %s as %s', async (status, method, then, body) => {
    const { api, sent } = setUp([redirect('next', status), ok], { maxRedirects: 1 })
    await api('x', { method, body: 'text', headers: { 'content-type': 'text/plain', 'x-own': '1' } })
    const { init, headers } = sent[1] as Sent
    expect([init.method, init.body ?? null]).toEqual([then, body])
    expect([headers.get('content-type'), headers.get('x-own')]).toEqual([body === null ? null : 'text/plain', '1'])
  })

  it('[D18] stays with HEAD after 303', async () => {
    const { api, sent } = setUp([redirect('next', 303), ok], { maxRedirects: 1 })
    await api.head('x')
    expect(sent[1]?.init.method).toBe('HEAD')
  })

  it.each([
    ['304', () => new Response(null, { status: 304 })],
    ['no place', answer(302)],
    ['a place that is none', redirect('https://[')],
  ])('[D18] hands over an answer with %s', async (_name, respond) => {
    const { api, sent } = setUp([respond], { maxRedirects: 5 })
    await api('x')
    expect(sent).toHaveLength(1)
  })

  it('[D18] hands over a redirect whose body can be sent only once', async () => {
    const { api, sent } = setUp([redirect('next', 307)], { maxRedirects: 5 })
    const body = new ReadableStream()
    expect((await api.post('x', { body, duplex: 'half' } as RequestInit)).status).toBe(307)
    expect(sent).toHaveLength(1)
  })
})
