import { once } from 'node:events'
import { connect } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createTestIssuer } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../support/loopback-server.js'

afterEach(() => void vi.useRealTimers())

describe('listen', () => {
  it('serves the issuer on a free loopback port, to jose among others', async () => {
    await using issuer = createTestIssuer()
    const url = await issuer.listen()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(issuer.issuer).toBe(url)
    const metadata = await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json()
    expect(metadata.issuer).toBe(url)
    const { payload } = await jwtVerify(issuer.mintToken(), createRemoteJWKSet(new URL(metadata.jwks_uri)))
    expect(payload.iss).toBe(url)
  })

  it('keeps the path of the identifier', async () => {
    await using issuer = createTestIssuer({ issuer: 'https://issuer.test/t1' })
    const url = await issuer.listen()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/t1$/)
    expect((await fetch(`${url}/jwks`)).status).toBe(200)
  })

  it('reads a posted form', async () => {
    await using issuer = createTestIssuer()
    const url = await issuer.listen()
    const body = new URLSearchParams({
      client_id: 'test-client',
      client_secret: 'test-secret',
      token: issuer.mintOpaqueToken(),
    })
    const answer = await fetch(`${url}/introspect`, { method: 'POST', body })
    expect(await answer.json()).toMatchObject({ active: true })
    expect(issuer.requests('introspection')[0]).toMatchObject({ url: `${url}/introspect`, body: body.toString() })
  })

  it('can be reached in process as well, under the new identifier', async () => {
    await using issuer = createTestIssuer()
    const url = await issuer.listen()
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal } as const
    expect((await issuer.fetch(`${url}/jwks`, init)).status).toBe(200)
    await expect(issuer.fetch('https://issuer.test/jwks', init)).rejects.toThrow(TypeError)
  })

  it('listens on the port it is given, and refuses connections after close', async () => {
    const port = await freePort()
    const first = createTestIssuer()
    const url = await first.listen({ port })
    await first.close()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    await using second = createTestIssuer()
    expect(await second.listen({ port })).toBe(url)
  })

  it('ends what it sends a byte at a time, so that the connection serves the next request', async () => {
    await using issuer = createTestIssuer()
    const url = await issuer.listen()
    issuer.override('jwks', { kind: 'answer', body: 'abc' })
    issuer.override('token', { kind: 'drip', intervalMs: 1 })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('GET /token HTTP/1.1\r\nHost: x\r\n\r\nGET /jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toMatch(
      /^HTTP\/1\.1 405 .*\{"error":"invalid_request"\}HTTP\/1\.1 200 .*abc$/s,
    )
  })

  it('sends nothing more a byte at a time once the caller is gone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const issuer = createTestIssuer()
    const url = await issuer.listen()
    issuer.override('jwks', { kind: 'drip' })
    const answer = fetch(`${url}/jwks`).then((response) => response.text())
    await vi.waitUntil(() => vi.getTimerCount() === 1)
    const brokenOff = expect(answer).rejects.toThrow()
    await issuer.close()
    await brokenOff
    expect(vi.getTimerCount()).toBe(0)
  })

  it('survives a caller that breaks off in the middle of its request', async () => {
    await using issuer = createTestIssuer()
    const url = await issuer.listen()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    socket.destroy()
    await once(socket, 'close')
    expect((await fetch(`${url}/jwks`)).status).toBe(200)
  })
})
