import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { createMounts, type FastifyHost } from '../../../src/inspector/mounts.js'
import type { Visit } from '../../../src/inspector/visit.js'

/** A page at `/dev/` that answers `yes`, and keeps who asked. */
function setUp() {
  const visits: Visit[] = []
  const answer = { status: 203, headers: { 'X-Page': 'own' }, body: 'the page' }
  const mounts = createMounts('/dev/', (visit) => {
    visits.push(visit)
    return visit.name === 'yes' ? answer : undefined
  })
  return { mounts, visits }
}

const request = (url: string | undefined, socket: object = {}) =>
  ({ url, method: 'GET', headers: {}, rawHeaders: ['Host', 'localhost', ':path', '/x'], socket }) as IncomingMessage

/** An answer on which CORS middleware was at work. */
function response() {
  const fields = new Map([
    ['access-control-allow-origin', '*'],
    ['Access-Control-Max-Age', '5'],
    ['x-access-control-x', 'kept'],
  ])
  const raw = {
    statusCode: 0,
    getHeaderNames: () => [...fields.keys()],
    removeHeader: (name: string) => fields.delete(name),
    setHeader: (name: string, value: string) => fields.set(name, value),
    end: vi.fn(),
  }
  return { fields, raw, response: raw as unknown as ServerResponse }
}

const own = [
  ['x-access-control-x', 'kept'],
  ['X-Page', 'own'],
]

describe('a mount of the development page', () => {
  it('in Koa answers by itself, and leaves what is not for it', async () => {
    const { mounts } = setUp()
    const { fields, raw, response: res } = response()
    const next = vi.fn(async () => 'next')
    const context = { req: request('/dev/yes'), res }
    await mounts.koa(context, next)
    expect([next.mock.calls.length, raw.statusCode, raw.end.mock.calls]).toEqual([0, 203, [['the page']]])
    expect([...fields]).toEqual(own)
    expect(context).toHaveProperty('respond', false)
    for (const url of ['/dev/no', '/other', undefined]) {
      const other = { req: request(url), res }
      expect(await mounts.koa(other, next)).toBe('next')
      expect(other).not.toHaveProperty('respond')
    }
    expect(raw.end).toHaveBeenCalledOnce()
  })

  it('in Fastify takes the answer over for all of the application, and leaves what is not for it', async () => {
    const { mounts } = setUp()
    const addHook = vi.fn<FastifyHost['addHook']>()
    const done = vi.fn()
    mounts.fastify({ addHook }, {}, done)
    expect(done).toHaveBeenCalledExactlyOnceWith()
    const marks = ['skip-override', 'fastify.display-name'].map((name) => Reflect.get(mounts.fastify, Symbol.for(name)))
    expect(marks).toEqual([true, 'portcullis-inspector'])
    const [name, hook] = addHook.mock.calls[0] ?? []
    expect(name).toBe('onRequest')
    const ask = async (url: string) => {
      const { raw, response: res } = response()
      const [hijack, next] = [vi.fn(), vi.fn()]
      hook?.({ raw: request(url) }, { raw: res, hijack }, next)
      await new Promise(setImmediate)
      return [hijack.mock.calls, next.mock.calls, raw.end.mock.calls]
    }
    expect(await ask('/dev/yes')).toEqual([[[]], [], [['the page']]])
    expect(await ask('/dev/no')).toEqual([[], [[]], []])
    expect(await ask('/other')).toEqual([[], [[]], []])
  })

  it('in Connect and Fetch tells what stands before the path, behind it and in the query', async () => {
    const { mounts, visits } = setUp()
    mounts.connect(request('/dev/no?a=1?2&b=\n3'), response().response, () => {})
    mounts.connect(request('/x/dev/no'), response().response, () => {})
    expect(await mounts.fetch(new Request('http://localhost/x/dev/'), {})).toBeUndefined()
    expect(await mounts.fetch(new Request('http://localhost/dev/no?a=1'), {})).toBeUndefined()
    expect(visits.map(({ name, query }) => [name, query.get('a'), query.get('b')])).toEqual([
      ['no', '1?2', '\n3'],
      ['no', '1', null],
    ])
    expect([...(visits[0] as Visit).headers]).toEqual([['host', 'localhost']])
    const answer = (await mounts.fetch(new Request('http://localhost/dev/yes'), {})) as Response
    expect([answer.status, answer.headers.get('x-page'), await answer.text()]).toEqual([203, 'own', 'the page'])
  })

  it('leaves what turns out not to be for the page', async () => {
    const mounts = createMounts('/dev/', async () => undefined)
    const next = vi.fn()
    const { raw, response: res } = response()
    await new Promise<void>((resolve) => {
      mounts.connect(request('/dev/no'), res, (...given) => resolve(next(...given)))
    })
    expect([next.mock.calls, raw.end.mock.calls]).toEqual([[[]], []])
  })

  it('in Fetch streams what comes bit by bit', async () => {
    const body = Readable.from([Buffer.from('one '), Buffer.from('two')])
    const mounts = createMounts('/dev/', () => ({ status: 200, headers: {}, body }))
    const answer = await mounts.fetch(new Request('http://localhost/dev/'), {})
    expect(await answer?.text()).toBe('one two')
  })

  it('knows whether a request came over TLS', async () => {
    const { mounts, visits } = setUp()
    for (const socket of [{ encrypted: true }, { encrypted: false }, { encrypted: 'yes' }, {}]) {
      mounts.connect(request('/dev/no', socket), response().response, () => {})
    }
    for (const origin of ['https://localhost', 'http://localhost']) {
      await mounts.fetch(new Request(`${origin}/dev/no`), {})
    }
    expect(visits.map(({ secure }) => secure)).toEqual([true, false, false, false, true, false])
  })

  it('reads 32 KiB of JSON, and no more', async () => {
    const { mounts, visits } = setUp()
    for (const bytes of [32_768, 32_769]) {
      const body = JSON.stringify('x'.repeat(bytes - 2))
      await mounts.fetch(new Request('http://localhost/dev/no', { method: 'POST', body }), {})
    }
    expect(await visits[0]?.readJson()).toHaveLength(32_766)
    await expect(visits[1]?.readJson()).rejects.toThrow(RangeError)
  })
})
