import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { inspector } from 'portcullis/inspector'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { expectWholePage, pageToken, readPage, resource, send, startInspectedApi } from '../../support/inspected-api.js'
import { listenOnLoopback } from '../../support/loopback-server.js'

const issuer = createTestIssuer()
afterAll(() => issuer.close())

function setUp() {
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
  const page = inspector(server, { token: pageToken, announce: () => {} })
  return { server, page }
}

const asked = { 'x-portcullis-inspector': pageToken, 'content-type': 'application/json' }
const question = JSON.stringify({ token: issuer.mintToken({}), resource })

describe('the development page is mounted', () => {
  it('in Express, before a body parser and behind one, and below a prefix', async () => {
    for (const before of [undefined, express.json()]) {
      const api = await startInspectedApi({ issuer, ...(before && { before }) })
      await expectWholePage(api.origin, issuer.mintToken({}))
      await api.close()
    }
    const api = await startInspectedApi({ prefix: '/tools/here' })
    expect((await send(`${api.origin}/tools/here/.portcullis/`)).status).toBe(200)
    expect((await send(`${api.origin}/.portcullis/`)).status).toBe(404)
    const { run } = await readPage(api.origin, ({ states }) => states.length > 0, {
      path: '/tools/here/.portcullis/stream',
    })
    expect(run).toBeDefined()
    await api.close()
  })

  it('in Fetch handlers that are told the address of the peer, and in no other', async () => {
    const { page } = setUp()
    expect(await page.fetch(new Request('http://localhost/.portcullis/'), {})).toBeUndefined()
    const local = { remoteAddress: '::1' }
    expect(await page.fetch(new Request('http://localhost/other'), local)).toBeUndefined()
    expect((await page.fetch(new Request('http://localhost/.portcullis/'), local))?.status).toBe(200)
    expect(await page.fetch(new Request('https://evil.test/.portcullis/'), local)).toBeUndefined()
    page.close()
  })

  it('in Connect and Nest, whose middleware has the form of Express', async () => {
    const { page } = setUp()
    const next = vi.fn()
    page({ url: undefined } as never, {} as never, next)
    page({ url: '/other' } as never, {} as never, next)
    expect(next.mock.calls).toEqual([[], []])
    page.close()
  })

  it('over HTTP/2, where the authority stands for the host', async () => {
    const { page } = setUp()
    const http2 = createHttp2Server((request, response) =>
      page(request as never, response as never, () => {
        response.statusCode = 404
        response.end()
      }),
    )
    http2.listen(0, '127.0.0.1')
    await once(http2, 'listening')
    const { port } = http2.address() as AddressInfo
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const statusOf = async (authority: string): Promise<unknown> => {
      const stream = session.request({ ':path': '/.portcullis/', ':authority': authority })
      const [headers] = await once(stream, 'response')
      stream.close()
      return headers[':status']
    }
    expect(await statusOf(`127.0.0.1:${port}`)).toBe(200)
    expect(await statusOf('evil.test')).toBe(404)
    session.close()
    http2.close()
    page.close()
  })
})

describe('the streams of the development page', () => {
  it('are four at most, and free their place when a reader leaves', async () => {
    const api = await startInspectedApi()
    const places = ['x', '1', '-1', '1.5', '1'].values()
    const open = () =>
      fetch(`${api.origin}/.portcullis/stream?run=other&after=${places.next().value}`, {
        headers: { 'X-Portcullis-Inspector': pageToken },
      })
    const four = await Promise.all([open(), open(), open(), open()])
    expect(four.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const fifth = await open()
    expect([fifth.status, await fifth.json()]).toEqual([429, { error: 'Four of these pages are open. Close one.' }])
    await four[0]?.body?.cancel()
    await vi.waitFor(
      async () => {
        const again = await open()
        await again.body?.cancel()
        expect(again.status).toBe(200)
      },
      { timeout: 30_000 },
    )
    await Promise.all(four.slice(1).map(({ body }) => body?.cancel()))
    await api.close()
  })

  it('end when the page is closed, and so does a server that waits for them', async () => {
    const api = await startInspectedApi()
    const stream = await fetch(`${api.origin}/.portcullis/stream`, { headers: { 'X-Portcullis-Inspector': pageToken } })
    api.page.close()
    expect(await stream.text()).toContain('event: hello')
    await api.close()
  })

  it('show requests of guards that were made before the page as well as after it, once each', async () => {
    const { server, page } = setUp()
    const guard = server.guard()
    const headers = { authorization: `Bearer ${issuer.mintToken({})}` }
    const later = inspector([server], { token: pageToken, announce: () => {}, path: '/later/' })
    await guard(requestFacts({ url: '/first', headers }))
    const listening = await listenOnLoopback((request, response) => later(request, response, () => response.end()))
    const { rows } = await readPage(listening.origin, (got) => got.rows.length > 0, { path: '/later/stream' })
    expect(rows.filter(({ kind }) => kind === 'request')).toMatchObject([{ target: '/first' }])
    later.close()
    page.close()
    await listening.close()
  })

  it('answer questions at ten in a row, one more a second', async () => {
    const api = await startInspectedApi({ page: { clock: () => 0 } })
    const ask = () => send(`${api.origin}/.portcullis/explain`, { method: 'POST', headers: asked, body: '{}' })
    const statuses = []
    for (let count = 0; count < 11; count += 1) statuses.push((await ask()).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 400), 429])
    await api.close()
  })

  it('hand a fault of the judgement to the application', async () => {
    const next = vi.fn()
    const { server, page } = setUp()
    vi.spyOn(server, 'explainToken').mockRejectedValue(new TypeError('a fault'))
    const listening = await listenOnLoopback((request, response) =>
      page(request, response, (error) => {
        next(error)
        response.end()
      }),
    )
    await send(`${listening.origin}/.portcullis/explain`, { method: 'POST', headers: asked, body: question })
    expect(next).toHaveBeenCalledWith(new TypeError('a fault'))
    page.close()
    await listening.close()
  })

  it('is committed as its sources make it, and small', async () => {
    const { pageFile } = (await import('../../../.ci/build-page.mjs' as string)) as { pageFile(): Promise<string> }
    const { pageHtml } = await import('../../../src/inspector/page-file.js')
    const { readFileSync } = await import('node:fs')
    const { gzipSync } = await import('node:zlib')
    const committed = readFileSync(new URL('../../../src/inspector/page-file.ts', import.meta.url), 'utf8')
    expect(committed).toBe(await pageFile())
    expect(pageHtml.length).toBeLessThan(60_000)
    expect(gzipSync(pageHtml).length).toBeLessThan(25_000)
    expect(/\b(?:src|href)=(?!"data:,")/.test(pageHtml.replace(/<script>.*<\/script>/s, ''))).toBe(false)
  })
})
