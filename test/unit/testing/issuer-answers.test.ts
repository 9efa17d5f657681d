import { getEventListeners } from 'node:events'
import { connect } from 'node:net'
import { createTestIssuer, mergeFetch, type TestIssuer } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { issuerEndpoints } from '../../../src/testing/issuer-endpoints.js'

const issuers: TestIssuer[] = []
afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(issuers.splice(0).map((issuer) => issuer.close()))
})

function makeIssuer(options: Parameters<typeof createTestIssuer>[0] = {}): TestIssuer {
  const issuer = createTestIssuer(options)
  issuers.push(issuer)
  return issuer
}

interface Asked {
  readonly headers?: Record<string, string>
  readonly form?: Record<string, string>
  readonly signal?: AbortSignal
}

function ask(issuer: TestIssuer, path: string, { form, ...asked }: Asked = {}): Promise<Response> {
  return issuer.fetch(`${new URL(issuer.issuer).origin}${path}`, {
    ...(form === undefined
      ? ({ method: 'GET' } as const)
      : { method: 'POST', body: new URLSearchParams(form).toString() }),
    ...{ headers: {}, redirect: 'manual', signal: new AbortController().signal, ...asked },
  })
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const good = { authorization: basic('test-client:test-secret') }

describe('what a test issuer answers', () => {
  it('is metadata of all that it does', async () => {
    const issuer = makeIssuer({ algorithms: ['ES384', 'RS256'] })
    expect(await (await ask(issuer, '/.well-known/oauth-authorization-server')).json()).toEqual({
      issuer: 'https://issuer.test',
      jwks_uri: 'https://issuer.test/jwks',
      token_endpoint: 'https://issuer.test/token',
      introspection_endpoint: 'https://issuer.test/introspect',
      grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES384', 'RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_signing_alg_values_supported: ['ES384', 'RS256'],
      dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    })
  })

  it.each<[string, string, Asked, number, string, Record<string, string>]>([
    ['a path it does not serve', '/nowhere', {}, 404, 'not_found', {}],
    ['a method it does not take', '/token', {}, 405, 'invalid_request', { allow: 'POST' }],
    ['a client it does not know', '/introspect', { form: {} }, 401, 'invalid_client', { 'www-authenticate': 'Basic' }],
    ['a request without a token', '/introspect', { form: {}, headers: good }, 400, 'invalid_request', {}],
  ])('is an error for %s, at once', async (_, path, asked, status, error, headers) => {
    vi.useFakeTimers()
    const response = await ask(makeIssuer(), path, asked)
    expect([response.status, await response.json()]).toEqual([status, { error }])
    expect(Object.fromEntries(response.headers)).toEqual({ 'content-type': 'application/json', ...headers })
  })

  it('is a token that no cache keeps, with the usual scope and no key where none was asked for', async () => {
    const issuer = makeIssuer()
    const response = await ask(issuer, '/token', { headers: good, form: { grant_type: 'client_credentials' } })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { access_token: token } = await response.json()
    const claims = await (await ask(issuer, '/introspect', { headers: good, form: { token } })).json()
    expect(claims).toMatchObject({ active: true, scope: 'read' })
    expect(claims).not.toHaveProperty('cnf')
  })

  it('is what an odd token says, even where its expiry is no number', async () => {
    const issuer = makeIssuer()
    const form = { token: issuer.mintOpaqueToken({ exp: '0' }) }
    expect(await (await ask(issuer, '/introspect', { headers: good, form })).json()).toMatchObject({ active: true })
  })

  it.each([
    ['two spaces', `Basic  ${basic('test-client:test-secret').slice(6)}`, 400],
    ['a scheme in lower case', good.authorization.replace('Basic', 'basic'), 400],
    ['something before it', `x ${good.authorization}`, 401],
    ['something behind it', `${good.authorization} x`, 401],
  ])('takes a client by Basic credentials with %s: %s ends with %i', async (_, authorization, status) => {
    expect((await ask(makeIssuer(), '/introspect', { headers: { authorization }, form: {} })).status).toBe(status)
  })

  it.each([
    { client_id: 'stranger' },
    { client_id: 'test-client' },
    { client_secret: 'test-secret' },
    { client_id: '' },
  ])('takes no client for what it is not: %j', async (form) => {
    expect((await ask(makeIssuer(), '/introspect', { form })).status).toBe(401)
  })
})

describe('the overrides of a test issuer', () => {
  const statuses = (issuer: TestIssuer) =>
    Promise.all(
      [
        ask(issuer, '/.well-known/oauth-authorization-server'),
        ask(issuer, '/.well-known/openid-configuration'),
        ask(issuer, '/jwks'),
        ask(issuer, '/introspect'),
        ask(issuer, '/token'),
      ].map(async (response) => (await response).status),
    )

  it('end at the one endpoint that is named, and at all where none is', async () => {
    const issuer = makeIssuer()
    issuer.override(issuerEndpoints, { kind: 'status', status: 503 })
    expect(await statuses(issuer)).toEqual([503, 503, 503, 503, 503])
    for (const endpoint of ['jwks', 'token'] as const) issuer.restore(endpoint)
    expect(await statuses(issuer)).toEqual([503, 503, 200, 503, 405])
    issuer.override('jwks', { kind: 'down' })
    issuer.restore()
    expect(await statuses(issuer)).toEqual([200, 200, 200, 405, 405])
  })

  it('can be the page of a captive portal', async () => {
    const issuer = makeIssuer()
    issuer.override('jwks', { kind: 'html' })
    expect(await (await ask(issuer, '/jwks')).text()).toBe('<!doctype html><title>Sign in</title>')
  })

  it('can send a byte every 10 ms, and no more than there are', async () => {
    const issuer = makeIssuer()
    issuer.override('jwks', { kind: 'answer', body: 'abc' }, { times: 1 })
    const whole = await (await ask(issuer, '/jwks')).text()
    expect(whole).toBe('abc')
    vi.useFakeTimers()
    issuer.override('jwks', { kind: 'drip' })
    const { length } = JSON.stringify({ keys: issuer.publishedKeys() })
    const response = await ask(issuer, '/jwks')
    const sizes: number[] = []
    const read = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) sizes.push(chunk.length)
    })()
    await vi.advanceTimersByTimeAsync(9)
    expect(sizes).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(sizes).toEqual([1])
    await vi.advanceTimersByTimeAsync(10 * length)
    await read
    expect(sizes).toEqual(Array.from({ length }, () => 1))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('send nothing more to a caller that has seen enough', async () => {
    vi.useFakeTimers()
    const issuer = makeIssuer()
    issuer.override('jwks', { kind: 'drip' })
    await (await ask(issuer, '/jwks')).body?.cancel()
    expect(vi.getTimerCount()).toBe(0)
    const caller = new AbortController()
    const text = (await ask(issuer, '/jwks', { signal: caller.signal })).text()
    caller.abort(new Error('enough'))
    await expect(text).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leave nothing on the signal of a caller that was answered', async () => {
    const { signal } = new AbortController()
    await ask(makeIssuer(), '/jwks', { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it.each(['in process', 'over HTTP'])('can hang before the head for as long as the caller waits, %s', async (way) => {
    const issuer = makeIssuer()
    if (way === 'over HTTP') await issuer.listen()
    const get = (path: string, signal?: AbortSignal) =>
      way === 'in process'
        ? ask(issuer, path, signal && { signal })
        : fetch(`${issuer.issuer}${path}`, { signal: signal ?? null })
    issuer.override('jwks', { kind: 'hang' })
    const caller = new AbortController()
    let isOver = false
    const response = get('/jwks', caller.signal).finally(() => (isOver = true))
    for (let others = 0; others < 3; others += 1) await (await get('/.well-known/openid-configuration')).text()
    expect([issuer.requestCount('jwks'), isOver]).toEqual([1, false])
    caller.abort(new Error('enough'))
    await expect(response).rejects.toThrow('enough')
  })
})

describe('a host that is not there', () => {
  const causeOf = (work: Promise<unknown>) =>
    work.catch((error: Error) => [error.message, (error.cause as Error).message])

  it('fails as undici has it fail', async () => {
    const issuer = makeIssuer()
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal } as const
    expect(await causeOf(issuer.fetch('https://other.test/jwks', init))).toEqual([
      ...['fetch failed', 'getaddrinfo ENOTFOUND other.test'],
    ])
    expect(await causeOf(mergeFetch(issuer)('https://other.test/jwks', init))).toEqual([
      ...['fetch failed', 'getaddrinfo ENOTFOUND https://other.test'],
    ])
    issuer.override('jwks', { kind: 'down' })
    expect(await causeOf(ask(issuer, '/jwks'))).toEqual(['fetch failed', 'connect ECONNREFUSED issuer.test'])
  })
})

describe('a test issuer that listens', () => {
  it('does so on 127.0.0.1 alone, and keeps the slash of its identifier', async () => {
    const issuer = makeIssuer({ issuer: 'https://issuer.test/t1/' })
    expect(await issuer.listen()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/t1\/$/)
    const socket = connect(Number(new URL(issuer.issuer).port), '::1')
    await expect(
      new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject)),
    ).rejects.toThrow()
    socket.destroy()
  })

  it('writes down the fields that came', async () => {
    const issuer = makeIssuer()
    await issuer.listen()
    await fetch(`${issuer.issuer}/jwks`, { headers: { 'X-Field': 'v' } })
    expect(issuer.requests('jwks')[0]?.headers).toMatchObject({ 'x-field': 'v', host: new URL(issuer.issuer).host })
  })

  it('breaks off where it is told to answer what cannot be answered', async () => {
    const issuer = makeIssuer()
    await issuer.listen()
    issuer.override('jwks', { kind: 'answer', status: 99 })
    await expect(fetch(`${issuer.issuer}/jwks`)).rejects.toThrow('fetch failed')
  })
})
