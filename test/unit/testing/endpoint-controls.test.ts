import { createFrozenClock, createTestIssuer, type EndpointBehaviour, type TestIssuer } from 'portcullis/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const usual = () => JSON.stringify({ keys: issuer.publishedKeys() })
let issuer: TestIssuer

beforeEach(() => {
  issuer = createTestIssuer({ clock: createFrozenClock(5000).now })
})

afterEach(() => issuer.close())

function getKeys(signal = new AbortController().signal) {
  return issuer.fetch(`${issuer.issuer}/jwks`, { method: 'GET', headers: { Accept: 'a' }, redirect: 'manual', signal })
}

/** Both ways to reach an issuer behave alike. */
describe.each(['in process', 'over HTTP'])('an override, %s', (way) => {
  beforeEach(async () => {
    if (way === 'over HTTP') await issuer.listen()
  })

  function request(signal?: AbortSignal): Promise<Response> {
    if (way === 'in process') return getKeys(signal)
    return fetch(`${issuer.issuer}/jwks`, { redirect: 'manual', ...(signal && { signal }) })
  }

  it('can be a network error', async () => {
    issuer.override('jwks', { kind: 'down' })
    await expect(request()).rejects.toThrow('fetch failed')
  })

  it.each<[string, EndpointBehaviour, Partial<{ status: number; type: string | null; body: string }>]>([
    [
      'a status',
      { kind: 'status', status: 503 },
      { status: 503, type: 'application/json', body: '{"error":"server_error"}' },
    ],
    ['a page', { kind: 'html' }, { status: 200, type: 'text/html; charset=utf-8' }],
    ['a redirect', { kind: 'redirect' }, { status: 302, type: null, body: '' }],
    ['a redirect of choice', { kind: 'redirect', status: 307, location: '/x' }, { status: 307 }],
    ['another body', { kind: 'answer', body: 'text' }, { status: 200, type: 'application/jwk-set+json', body: 'text' }],
    ['another object', { kind: 'answer', status: 201, body: { a: 1 } }, { status: 201, body: '{"a":1}' }],
    ['nothing', { kind: 'answer', status: 204, body: '' }, { status: 204, body: '' }],
    ['another media type', { kind: 'answer', headers: { 'content-type': 'text/plain' } }, { type: 'text/plain' }],
  ])('can be %s', async (_name, behaviour, expected) => {
    issuer.override('jwks', behaviour)
    const response = await request()
    const { status, headers } = response
    expect({ status, type: headers.get('content-type'), body: await response.text() }).toMatchObject(expected)
  })

  it('names where a redirect leads and keeps the header fields of a status', async () => {
    issuer.override('jwks', { kind: 'redirect' }, { times: 1 })
    expect((await request()).headers.get('location')).toBe('https://elsewhere.test/')
    issuer.override('jwks', { kind: 'status', status: 429, headers: { 'retry-after': '7' } })
    expect((await request()).headers.get('retry-after')).toBe('7')
  })

  it('leaves the body alone where only header fields change', async () => {
    issuer.override('jwks', { kind: 'answer', headers: { 'cache-control': 'max-age=60' } })
    const response = await request()
    expect(response.headers.get('cache-control')).toBe('max-age=60')
    expect(await response.text()).toBe(usual())
  })

  it('can pad the body to a size, still valid JSON', async () => {
    issuer.override('jwks', { kind: 'oversized', bytes: 600_000 })
    const body = await (await request()).text()
    expect(body).toHaveLength(600_000)
    expect(JSON.parse(body)).toEqual(JSON.parse(usual()))
  })

  it('can hang before the head until the caller gives up', async () => {
    issuer.override('jwks', { kind: 'hang' })
    const caller = new AbortController()
    const response = request(caller.signal)
    caller.abort(new Error('enough'))
    await expect(response).rejects.toThrow('enough')
  })

  it('can hang in the middle of the body', async () => {
    issuer.override('jwks', { kind: 'hang', during: 'body' })
    const caller = new AbortController()
    const response = await request(caller.signal)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const first = await reader.read()
    expect(first.value?.length).toBe(Math.floor(usual().length / 2))
    const second = reader.read()
    caller.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
  })

  it('can send its body a byte at a time', async () => {
    issuer.override('jwks', { kind: 'drip', intervalMs: 1 })
    expect(await (await request()).text()).toBe(usual())
  })

  it('stops dripping when the caller goes away', async () => {
    issuer.override('jwks', { kind: 'drip' })
    const caller = new AbortController()
    const response = await request(caller.signal)
    const text = response.text()
    caller.abort(new Error('enough'))
    await expect(text).rejects.toThrow('enough')
    const reader = (await request()).body?.getReader()
    expect((await reader?.read())?.value).toHaveLength(1)
    await reader?.cancel()
  })

  it('lasts for as many requests as told', async () => {
    issuer.override(['jwks', 'token'], { kind: 'status', status: 500 }, { times: 2 })
    const statuses = [await request(), await request(), await request()].map(({ status }) => status)
    expect(statuses).toEqual([500, 500, 200])
  })

  it('ends when restored', async () => {
    issuer.override(['jwks', 'openidConfiguration'], { kind: 'status', status: 500 })
    issuer.restore('openidConfiguration')
    expect((await request()).status).toBe(500)
    issuer.restore()
    expect((await request()).status).toBe(200)
  })
})

describe('a hold', () => {
  it('keeps requests waiting until released', async () => {
    const gate = issuer.hold('jwks')
    let answered = 0
    const responses = [getKeys(), getKeys()].map((response) => response.finally(() => answered++))
    await gate.arrived
    expect([issuer.requestCount('jwks'), answered]).toEqual([2, 0])
    issuer.rotateKeys()
    gate.release()
    const [first] = await Promise.all(responses)
    expect(await first?.text()).toBe(usual())
    expect((await getKeys()).status).toBe(200)
  })

  it('gives way to a later hold, and to the end of the issuer', async () => {
    issuer.hold('jwks')
    const early = getKeys()
    issuer.hold('jwks')
    expect((await early).status).toBe(200)
    const late = getKeys()
    await issuer.close()
    expect((await late).status).toBe(200)
  })

  it('lets the caller give up', async () => {
    issuer.hold('jwks')
    const caller = new AbortController()
    const response = getKeys(caller.signal)
    caller.abort(new Error('enough'))
    await expect(response).rejects.toThrow('enough')
    await expect(getKeys(caller.signal)).rejects.toThrow('enough')
  })
})

describe('the request log', () => {
  it.each([
    ['/.well-known/oauth-authorization-server/t1', 'oauthMetadata'],
    ['/.well-known/openid-configuration/t1', 'openidConfiguration'],
    ['/t1/.well-known/openid-configuration', 'openidConfiguration'],
    ['/t1/jwks', 'jwks'],
    ['/t1/introspect', 'introspection'],
    ['/t1/token', 'token'],
    ['/t1', undefined],
    ['/jwks', undefined],
  ])('takes %s for the endpoint %s', async (path, endpoint) => {
    const tenant = createTestIssuer({ issuer: 'https://issuer.test/t1' })
    const { signal } = new AbortController()
    await tenant.fetch(`https://issuer.test${path}`, { method: 'GET', headers: {}, redirect: 'manual', signal })
    expect(tenant.requests().map((request) => request.endpoint)).toEqual([endpoint])
  })

  it('tells what was received, where and when', async () => {
    await getKeys()
    await issuer.fetch(`${issuer.issuer}/nowhere?q=1`, {
      method: 'POST',
      headers: { 'X-Field': 'v' },
      body: 'text',
      redirect: 'manual',
      signal: new AbortController().signal,
    })
    expect(issuer.requests()).toEqual([
      {
        endpoint: 'jwks',
        method: 'GET',
        url: 'https://issuer.test/jwks',
        headers: { accept: 'a' },
        body: '',
        atMs: 5000,
      },
      {
        endpoint: undefined,
        method: 'POST',
        url: 'https://issuer.test/nowhere?q=1',
        headers: { 'x-field': 'v' },
        body: 'text',
        atMs: 5000,
      },
    ])
    expect(issuer.requests('jwks')).toHaveLength(1)
    expect([issuer.requestCount(), issuer.requestCount('jwks'), issuer.requestCount('token')]).toEqual([2, 1, 0])
  })
})
