import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDoorkeeper, type Visit } from '../../../src/inspector/visit.js'
import {
  type InspectedApi,
  pageToken,
  readPage,
  resource,
  send,
  startInspectedApi,
} from '../../support/inspected-api.js'

let api: InspectedApi
beforeAll(async () => {
  api = await startInspectedApi({
    // CORS middleware that allows everything, as many an API has it.
    before: (_req, res, next) => {
      res.setHeader('Access-Control-Allow-Origin', '*')
      res.setHeader('Access-Control-Allow-Headers', 'X-Portcullis-Inspector')
      next()
    },
  })
})
afterAll(() => api.close())

const known = { 'x-portcullis-inspector': pageToken }
const question = (token: string) => JSON.stringify({ token, resource })
const asked = { ...known, 'content-type': 'application/json' }

describe('the development page', () => {
  it('gives the page to a browser of this machine, and its data to who knows the token', async () => {
    const page = await send(`${api.origin}/.portcullis/`)
    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body).toContain('<title>Portcullis: development page</title>')
    expect(page.body).not.toContain(pageToken)
    const { run } = await readPage(api.origin, ({ states }) => states.length > 0)
    expect(run).toMatch(/^[\da-f]{12}$/)
    const told = await send(`${api.origin}/.portcullis/explain`, {
      method: 'POST',
      headers: asked,
      body: question(api.issuer.mintToken({ aud: 'https://other.example.com' })),
    })
    expect(told.status).toBe(200)
    expect(JSON.parse(told.body)).toMatchObject({ outcome: 'refused', code: 'ERR_TOKEN_AUDIENCE', failed: 'audience' })
  })

  it('sends a policy that lets nothing but its own script run, and takes back what CORS middleware allowed', async () => {
    const { headers } = await send(`${api.origin}/.portcullis/`)
    const policy = headers['content-security-policy']
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}=';/)
    for (const rule of [
      "connect-src 'self'",
      '; img-src data:;',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy).toContain(rule)
    }
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'")
    expect(headers).toMatchObject({
      'cache-control': 'no-store, no-transform',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  const strangers: readonly (readonly [string, Record<string, string>])[] = [
    ...[
      'evil.test',
      'evil.test:80',
      'localhost.evil.test',
      '0.0.0.0',
      '10.0.0.1',
      'localhost.',
      'a.localhost',
      '[::]',
      '127.0.0.1@evil.test',
    ].map((name) => [`the host ${JSON.stringify(name)}`, { host: name }] as const),
    ...[
      'Forwarded',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Forwarded',
      'Via',
      'CF-Connecting-IP',
      'CF-Ray',
      'X-Real-IP',
      'True-Client-IP',
      'X-Client-IP',
      'X-Original-Host',
      'X-Envoy-External-Address',
      'X-Amzn-Trace-Id',
      'Fly-Client-IP',
      'Ngrok-Auth-User-Email',
    ].map((name) => [`the field ${name} of a proxy`, { [name]: '127.0.0.1' }] as const),
    ...['https://evil.test', 'null', 'http://localhost', 'https://127.0.0.1'].map(
      (origin) => [`the origin ${origin}`, { origin }] as const,
    ),
  ]
  it.each(strangers)('is not there for %s', async (_what, headers) => {
    for (const [path, method, more, body] of [
      ['', 'GET', {}, undefined],
      ['stream', 'GET', known, undefined],
      ['explain', 'POST', asked, question('a.b.c')],
    ] as const) {
      const answer = await send(`${api.origin}/.portcullis/${path}`, {
        method,
        headers: { ...more, ...headers },
        ...(body && { body }),
      })
      expect([answer.status, answer.body]).toEqual([404, 'of the application'])
    }
  })

  it('is not there for a request without a host, as HTTP/1.0 allows', async () => {
    const { port } = new URL(api.origin)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET /.portcullis/ HTTP/1.0\r\n\r\n')
    const parts = await socket.toArray()
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 404 [\s\S]*of the application$/)
  })

  it('answers the same site alone where a browser says which one asks', async () => {
    const statusOf = async (path: string, site: string, headers = {}) =>
      (await send(`${api.origin}/.portcullis/${path}`, { headers: { 'sec-fetch-site': site, ...headers } })).status
    expect(await statusOf('', 'none')).toBe(200)
    expect(await statusOf('', 'same-origin')).toBe(200)
    for (const site of ['cross-site', 'same-site']) {
      expect(await statusOf('', site)).toBe(404)
      expect(await statusOf('stream', site, known)).toBe(404)
    }
    expect(await statusOf('stream', 'none', known)).toBe(404)
  })

  it('answers no question of who does not show the token', async () => {
    const ask = async (fields: Record<string, string>) => {
      const headers = { 'content-type': 'application/json', ...fields }
      const answer = await send(`${api.origin}/.portcullis/explain`, {
        method: 'POST',
        headers,
        body: question('a.b.c'),
      })
      return [answer.status, answer.body]
    }
    const refused = [404, 'of the application']
    expect(await ask({})).toEqual(refused)
    expect(await ask({ 'x-portcullis-inspector': `${pageToken}x` })).toEqual(refused)
    expect(await ask({ ...known, 'sec-fetch-site': 'same-site' })).toEqual(refused)
    expect((await ask(known))[0]).toBe(200)
  })

  it('has two things to read and one question, and nothing else', async () => {
    const answers = new Map<string, number>()
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const name of ['', 'stream', 'explain', 'other', 'stream/', 'page.js']) {
        if (method === 'GET' && name === 'stream') continue
        const body = method === 'POST' ? question('a.b.c') : undefined
        const { status } = await send(`${api.origin}/.portcullis/${name}`, {
          method,
          headers: asked,
          ...(body && { body }),
        })
        if (status !== 404) answers.set(`${method} ${name}`, status)
      }
    }
    expect(answers).toEqual(
      new Map([
        ['GET ', 200],
        ['POST explain', 200],
      ]),
    )
    expect((await send(`${api.origin}/.portcullis`)).status).toBe(404)
  })

  it('takes a question as JSON alone, of bounded length, about a resource of its own', async () => {
    const ask = (headers: Record<string, string>, body: string) =>
      send(`${api.origin}/.portcullis/explain`, { method: 'POST', headers: { ...known, ...headers }, body })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8']) {
      expect((await ask({ 'content-type': type }, question('a.b.c'))).status).toBe(404)
    }
    const json = { 'content-type': 'application/json' }
    expect((await ask(json, question('a'.repeat(40_000)))).status).toBe(400)
    for (const wrong of [
      '{',
      '[]',
      'null',
      '{"token":1}',
      JSON.stringify({ token: 'a', resource: 'https://other.example.com' }),
    ]) {
      expect((await ask(json, wrong)).status).toBe(400)
    }
    const badScope = await ask(json, JSON.stringify({ token: 'a.b.c', resource, scope: 'a,b' }))
    expect(badScope.status).toBe(400)
    expect(JSON.parse(badScope.body).error).toContain('scope')
  })
})

describe('the doorkeeper', () => {
  const visit = (more: Partial<Visit> = {}): Visit => ({
    method: 'GET',
    name: '',
    query: new URLSearchParams(),
    headers: new Headers(),
    host: 'localhost:3000',
    secure: false,
    remoteAddress: '127.0.0.1',
    readJson: async () => ({}),
    ...more,
  })
  const now = () => 0

  it('knows the addresses of this machine, and no other', () => {
    const { isAtHome } = createDoorkeeper(pageToken, [], now)
    for (const remoteAddress of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      expect(isAtHome(visit({ remoteAddress }))).toBe(true)
    }
    for (const remoteAddress of [
      '192.168.1.5',
      '10.0.0.1',
      '172.17.0.1',
      '::ffff:10.0.0.1',
      'fe80::1',
      '',
      undefined,
    ]) {
      expect(isAtHome(visit({ remoteAddress }))).toBe(false)
    }
    const bridged = createDoorkeeper(pageToken, ['172.16.0.0/12'], now)
    expect(bridged.isAtHome(visit({ remoteAddress: '172.17.0.1' }))).toBe(true)
    expect(bridged.isAtHome(visit({ remoteAddress: '172.17.0.1', host: 'evil.test' }))).toBe(false)
    expect(bridged.isAtHome(visit({ remoteAddress: '192.168.1.5' }))).toBe(false)
  })

  it('knows the names of this machine, and no other', () => {
    const { isAtHome } = createDoorkeeper(pageToken, [], now)
    const isHome = (host: string) => isAtHome(visit({ host }))
    const own = ['localhost', 'LOCALHOST:80', '127.0.0.1', '127.100.200.255:65535', '[::1]', '[::1]:3000']
    expect(own.filter((host) => !isHome(host))).toEqual([])
    const strange = [
      ...['', 'xlocalhost', 'localhost:', 'localhost:x', 'localhost:123456', 'localhost:80x', 'localhost.'],
      ...['1127.0.0.1', '127.0.0.1000', '127.0.0', '127.0.0.1.evil.test', '127.a.0.1', '127x0.0.1'],
      ...['128.0.0.1', '[::1', '[::2]', '[::1]evil', '::1'],
    ]
    expect(strange.filter(isHome)).toEqual([])
  })

  it('takes fields whose names only begin or end like those of a proxy', () => {
    const { isAtHome } = createDoorkeeper(pageToken, [], now)
    const names = ['x-via', 'my-forwarded', 'viaduct', 'forwarded-by', 'not-true-client-ip', 'x-cf', 'cfx', 'x-realm']
    const own = names.filter((name) => !isAtHome(visit({ headers: new Headers({ [name]: '127.0.0.1' }) })))
    expect(own).toEqual([])
  })

  it('compares an origin with scheme and host', () => {
    const { isAtHome } = createDoorkeeper(pageToken, [], now)
    const from = (origin: string, secure = false) => isAtHome(visit({ headers: new Headers({ origin }), secure }))
    expect(from('http://localhost:3000')).toBe(true)
    expect(from('https://localhost:3000', true)).toBe(true)
    expect(from('https://localhost:3000')).toBe(false)
    expect(from('http://localhost:3001')).toBe(false)
    expect(isAtHome(visit({ host: undefined }))).toBe(false)
  })

  it('gives the data to its own page, and to what is no browser', () => {
    const { knows } = createDoorkeeper(pageToken, [], now)
    const from = (site?: string) =>
      knows(
        visit({
          headers: new Headers({ 'x-portcullis-inspector': pageToken, ...(site && { 'sec-fetch-site': site }) }),
        }),
      )
    expect([from('same-origin'), from()]).toEqual([true, true])
    expect([from('same-site'), from('cross-site'), from('none')]).toEqual([false, false, false])
  })

  it('is closed to everybody after ten wrong tokens a minute', () => {
    let nowMs = 0
    const { knows } = createDoorkeeper(pageToken, [], () => nowMs)
    const shows = (token: string) => knows(visit({ headers: new Headers({ 'x-portcullis-inspector': token }) }))
    expect(knows(visit())).toBe(false)
    expect(shows(pageToken)).toBe(true)
    for (let count = 0; count < 9; count += 1) expect(shows(`${pageToken}${count}`)).toBe(false)
    expect(shows(pageToken)).toBe(true)
    expect(shows('')).toBe(false)
    expect(shows(pageToken)).toBe(false)
    nowMs = 6000
    expect(shows(pageToken)).toBe(true)
  })
})
