import { Readable } from 'node:stream'
import { ConfigurationError } from 'portcullis'
import { describe, expect, it, vi } from 'vitest'
import type { Watched } from '../../../src/inspector/recorder.js'
import { createRoutes, type PageAnswer } from '../../../src/inspector/routes.js'
import type { Visit } from '../../../src/inspector/visit.js'

const passed = { status: undefined, code: undefined, failed: undefined, sentence: undefined, steps: [] }

/** The page of two servers, of which the first guards two resources; whoever comes is at home and knows the token. */
function setUp(doors: { isAtHome?: boolean; knows?: boolean } = {}) {
  const explainToken = vi.fn(async (_token: string, _requirement: object) => passed)
  const watch = (...names: readonly string[]) =>
    ({
      server: { explainToken: (...asked: Parameters<typeof explainToken>) => explainToken(...asked) },
      insight: { settings: { resources: names.map((resource) => ({ resource })) } },
    }) as unknown as Watched
  const open = vi.fn<(run: string | null, after: number) => Readable | undefined>(() => Readable.from(['x']))
  let nowMs = 0
  const routes = createRoutes({
    watched: [watch('https://a.example', 'https://b.example'), watch('https://c.example')],
    streams: { open, close() {} },
    doorkeeper: { isAtHome: () => doors.isAtHome ?? true, knows: () => doors.knows ?? true },
    clock: () => nowMs,
  })
  const visit = (more: Partial<Visit>): Visit => ({
    ...{ method: 'GET', name: '', query: new URLSearchParams(), headers: new Headers(), host: 'localhost' },
    ...{ secure: false, remoteAddress: '::1', readJson: async () => ({}) },
    ...more,
  })
  const stream = (query: string) => routes(visit({ name: 'stream', query: new URLSearchParams(query) })) as PageAnswer
  const ask = async (question: unknown, type = 'application/json') => {
    const headers = new Headers({ 'content-type': type })
    const readJson = async () => (question instanceof Error ? Promise.reject(question) : question)
    const answer = await routes(visit({ method: 'POST', name: 'explain', headers, readJson }))
    if (answer === undefined) return undefined
    const { status, headers: fields, body } = answer
    return { status, headers: fields, body: JSON.parse(String(body)) }
  }
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { routes, visit, explainToken, open, stream, ask, wait }
}

const safe = {
  'Cache-Control': 'no-store, no-transform',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}
const question = { token: 'a.b.c', resource: 'https://a.example' }

describe('the answers of the development page', () => {
  it('are for who is at home, and but for the page for who knows the token', async () => {
    const away = setUp({ isAtHome: false })
    expect([away.routes(away.visit({})), away.stream(''), await away.ask(question)]).toEqual(Array(3).fill(undefined))
    const strange = setUp({ knows: false })
    expect(strange.routes(strange.visit({}))).toMatchObject({ status: 200, headers: safe })
    expect([strange.stream(''), await strange.ask(question)]).toEqual([undefined, undefined])
    expect(
      [away, strange].flatMap(({ open, explainToken }) => [...open.mock.calls, ...explainToken.mock.calls]),
    ).toEqual([])
  })

  it('are a stream from the place that is asked for, and from the beginning where it is none', () => {
    const { stream, open } = setUp()
    expect(stream('run=r&after=7')).toMatchObject({
      status: 200,
      headers: { ...safe, 'Content-Type': 'text/event-stream' },
      body: expect.any(Readable),
    })
    for (const after of ['', 'after=', 'after=x', 'after=-1', 'after=1.5', 'after=0', 'after=9007199254740993'])
      stream(after)
    expect(open.mock.calls).toEqual([['r', 7], ...Array(7).fill([null, 0])])
    open.mockReturnValue(undefined)
    expect(stream('')).toMatchObject({
      ...{ status: 429, headers: safe, body: JSON.stringify({ error: 'Four of these pages are open. Close one.' }) },
    })
  })

  it('are what a server says of a token, for each resource of each server', async () => {
    const { ask, explainToken } = setUp()
    for (const resource of ['https://a.example', 'https://b.example', 'https://c.example']) {
      expect(await ask({ ...question, resource })).toEqual({
        status: 200,
        headers: { ...safe, 'Content-Type': 'application/json' },
        body: { outcome: 'accepted', steps: [], token: { header: [], claims: [], length: 5 } },
      })
      expect(explainToken).toHaveBeenLastCalledWith('a.b.c', { resource })
    }
    await ask({ ...question, scope: 'read', allow: 'x' })
    expect(explainToken).toHaveBeenLastCalledWith('a.b.c', { resource: 'https://a.example', scope: 'read' })
    for (const scope of ['', 5]) {
      await ask({ ...question, scope })
      expect(explainToken).toHaveBeenLastCalledWith('a.b.c', { resource: 'https://a.example' })
    }
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['no token', { resource: question.resource }],
    ['a token that is no text', { ...question, token: 1 }],
    ['no resource', { token: 'a' }],
    ['a resource that is no text', { ...question, resource: ['https://a.example'] }],
    ['a resource of nobody', { ...question, resource: 'https://d.example' }],
    ['what cannot be read', new SyntaxError('x')],
  ])('are no answer to %s', async (_what, asked) => {
    const { ask, explainToken } = setUp()
    expect(await ask(asked)).toMatchObject({ status: 400, headers: safe, body: { error: 'Not a question.' } })
    expect(explainToken).not.toHaveBeenCalled()
  })

  it('are for JSON alone, which no form of another site can send', async () => {
    const { ask, explainToken } = setUp()
    for (const type of ['text/plain', 'application/json; charset=utf-8', '']) {
      expect(await ask(question, type)).toBeUndefined()
    }
    expect(explainToken).not.toHaveBeenCalled()
  })

  it('tell a mistake in the question, and leave a fault to the application', async () => {
    const { ask, explainToken } = setUp()
    explainToken.mockRejectedValueOnce(new ConfigurationError('`scope` takes words'))
    expect(await ask(question)).toMatchObject({ status: 400, headers: safe, body: { error: '`scope` takes words' } })
    explainToken.mockRejectedValueOnce(new TypeError('a fault'))
    await expect(ask(question)).rejects.toThrow('a fault')
  })

  it('are ten explanations in a row, and one more a second', async () => {
    const { ask, wait } = setUp()
    const statuses = async (count: number) => {
      const found = []
      for (let at = 0; at < count; at += 1) found.push((await ask(question))?.status)
      return found
    }
    expect(await statuses(10)).toEqual(Array(10).fill(200))
    expect(await ask(question)).toMatchObject({ status: 429, body: { error: 'Ten tokens in a row; wait a second.' } })
    wait(999)
    expect(await statuses(1)).toEqual([429])
    wait(1)
    expect(await statuses(2)).toEqual([200, 429])
  })
})
