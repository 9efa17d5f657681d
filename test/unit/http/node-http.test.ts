import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { noFields } from '../../../src/http/http-answer.js'
import {
  type NodeRequest,
  nodeRequestFacts,
  type RequestWrapper,
  sendNodeAnswer,
  sendReply,
  setNodeHeaders,
  setReplyHeaders,
} from '../../../src/http/node-http.js'

function factsOf(request: Partial<NodeRequest>) {
  return nodeRequestFacts({ headers: {}, ...request })
}

describe('nodeRequestFacts', () => {
  it('[ADP-04] takes the original target, which no router rewrote', () => {
    expect(factsOf({ method: 'POST', url: '/x', originalUrl: '/mcp/x?y=1' })).toMatchObject({
      method: 'POST',
      url: '/mcp/x?y=1',
    })
    expect(factsOf({ url: '/x' }).url).toBe('/x')
    expect(factsOf({})).toMatchObject({ method: 'GET', url: '/' })
  })

  it('[ADP-01] [HTTP-09] counts the fields that Node dropped or joined', () => {
    const facts = factsOf({
      headers: { authorization: 'Bearer a', dpop: 'p, q' },
      rawHeaders: ['Authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer b', 'dpop', 'p', 'DPoP', 'q', 'xpop', 'r'],
    })
    expect(facts.headerValues('authorization')).toEqual(['Bearer a', 'Bearer b'])
    expect(facts.headerValues('dpop')).toEqual(['p', 'q'])
    expect(facts.headerValues('host')).toEqual([])
  })

  it('[REAL-44] knows the route and the id that frameworks give a request, and no other kind of value', () => {
    const of = (wrapper: RequestWrapper) => {
      const facts = nodeRequestFacts({ headers: {} }, wrapper)
      return [facts.route?.(), facts.requestId?.()]
    }
    expect(of({})).toEqual([undefined, undefined])
    expect(of({ route: { path: '/:id' }, baseUrl: '/users', id: 'r-1' })).toEqual(['/users/:id', 'r-1'])
    expect(of({ route: { path: '/:id' }, id: 7 })).toEqual(['/:id', '7'])
    expect(of({ route: { path: /x/ }, id: {} })).toEqual([undefined, undefined])
    expect(of({ routeOptions: { url: '/a/:b' } })[0]).toBe('/a/:b')
    expect(of({ ctx: { _matchedRoute: '/k/:b' } })[0]).toBe('/k/:b')
    expect(of({ ctx: { _matchedRoute: /k/ } })[0]).toBe(undefined)
  })

  it('[ADP-01] does not take a value for a name', () => {
    const rawHeaders = ['X-Test', 'authorization', 'Authorization', 'Bearer a', 'authorization']
    const facts = factsOf({ headers: { authorization: 'Bearer a' }, rawHeaders })
    expect(facts.headerValues('authorization')).toEqual(['Bearer a'])
  })

  it('[ADP-01] reads platforms that fill in the header object alone', () => {
    const facts = factsOf({ headers: { authorization: 'Bearer a', dpop: ['p', 'q'] } })
    expect(facts.headerValues('authorization')).toEqual(['Bearer a'])
    expect(facts.headerValues('dpop')).toEqual(['p', 'q'])
    expect(factsOf({ headers: {}, rawHeaders: ['Authorization', 'Bearer a'] }).headerValues('authorization')).toEqual(
      [],
    )
  })

  it('[ADP-01] goes by the header object where a field came once, or was added behind the server', () => {
    const rawHeaders = ['X-Test', '1', 'Authorization', 'Bearer a', 'X-Other', '2']
    expect(factsOf({ headers: { authorization: 'Bearer b' }, rawHeaders }).headerValues('authorization')).toEqual([
      'Bearer b',
    ])
    expect(factsOf({ headers: { dpop: 'p' }, rawHeaders }).headerValues('dpop')).toEqual(['p'])
  })

  it('stands for one request, however often it is asked about it', () => {
    const headers = {}
    expect(factsOf({ headers }).request).toBe(headers)
    expect(nodeRequestFacts({ headers }, { body: {} }).request).toBe(headers)
  })

  it('[DPOP-08] knows the connection', () => {
    const raw = new Uint8Array([1, 2])
    const facts = factsOf({
      socket: { encrypted: true, remoteAddress: '192.0.2.1', getPeerCertificate: () => ({ raw }) },
    })
    expect(facts).toMatchObject({ secure: true, remoteAddress: '192.0.2.1' })
    expect(facts.clientCertificate?.()).toBe(raw)
  })

  it.each([
    ['no socket', {}],
    ['a socket that is gone', { socket: null }],
    ['a plain connection', { socket: {} }],
    ['a TLS client without a certificate', { socket: { getPeerCertificate: () => ({}) } }],
    ['a TLS connection that is gone', { socket: { getPeerCertificate: () => null } }],
  ])('[E-11] knows no certificate of %s', (_what, request) => {
    expect(factsOf(request).clientCertificate?.()).toBeUndefined()
    expect(factsOf(request).secure).toBe(false)
    expect(factsOf(request).remoteAddress).toBeUndefined()
  })

  it('[BEAR-03] gives a parsed body only when it came as a form', () => {
    const body = { access_token: 'x' }
    const parsed = (contentType: string | undefined, value: unknown) =>
      factsOf({ headers: { 'content-type': contentType }, body: value }).formBody?.()
    expect(parsed('application/x-www-form-urlencoded', body)).toBe(body)
    expect(parsed('Application/X-WWW-Form-Urlencoded ; charset=utf-8', body)).toBe(body)
    expect(parsed('application/json', body)).toBeUndefined()
    expect(parsed('multipart/form-data', body)).toBeUndefined()
    expect(parsed(undefined, body)).toBeUndefined()
    for (const type of [
      'application/x-www-form-urlencodedX',
      'xapplication/x-www-form-urlencoded',
      'a/b;application/x-www-form-urlencoded',
    ]) {
      expect(parsed(type, body), type).toBeUndefined()
    }
  })

  it.each([
    { 'content-length': '14' },
    { 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'chunked', 'content-length': '0' },
  ])('[REAL-45] knows no form where nothing parsed one that came: %j', (size) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...size }
    for (const body of [undefined, null, 'access_token=x', ['x'], Buffer.from('access_token=x')]) {
      expect(factsOf({ headers, body }).formBody?.()).toBeUndefined()
    }
  })

  it.each([{}, { 'content-length': '0' }])('[REAL-45] knows an empty form where no content came: %j', (size) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...size }
    expect(factsOf({ headers }).formBody?.()).toEqual({})
    expect(factsOf({ headers: { 'content-type': 'application/json', ...size } }).formBody?.()).toBeUndefined()
  })
})

async function responseOf(
  listener: RequestListener,
  method = 'GET',
): Promise<Response & { text: () => Promise<string> }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { method })
    const text = await response.text()
    return Object.assign(response, { text: async () => text })
  } finally {
    server.close()
  }
}

const refusal = {
  status: 401,
  headers: { 'WWW-Authenticate': ['Bearer a', 'DPoP b'], 'Cache-Control': 'no-store' },
  body: '{"error":"invalid_token"}',
}

describe('sendNodeAnswer', () => {
  it('[ADP-02] [ADP-03] sends the answer and keeps what the application set', async () => {
    const response = await responseOf((_req, res) => {
      res.setHeader('Access-Control-Allow-Origin', 'https://app.example')
      res.setHeader('WWW-Authenticate', 'Basic realm="x"')
      res.setHeader('Cache-Control', 'public')
      sendNodeAnswer(res, refusal)
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="x", Bearer a, DPoP b')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-length')).toBe(String(refusal.body.length))
    expect(await response.text()).toBe(refusal.body)
  })

  it('[ADP-06] sends no body to HEAD', async () => {
    const response = await responseOf((_req, res) => sendNodeAnswer(res, refusal), 'HEAD')
    expect(response.status).toBe(401)
    expect(await response.text()).toBe('')
  })

  it('[ADP-08] leaves an answer alone that is under way', async () => {
    const response = await responseOf((_req, res) => {
      res.write('begun')
      sendNodeAnswer(res, refusal)
      setNodeHeaders(res, refusal.headers)
      res.end()
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.text()).toBe('begun')
  })
})

describe('sendReply and setReplyHeaders', () => {
  function reply(set: Record<string, string> = {}) {
    const sent: { status?: number; body?: unknown; fields: Record<string, unknown> } = { fields: {} }
    const send = (body?: Uint8Array) => {
      sent.body = body
      return 'sent'
    }
    return {
      sent,
      getHeader: (name: string) => set[name],
      header: (name: string, value: string | string[]) => {
        sent.fields[name] = value
      },
      code: (status: number) => {
        sent.status = status
        return { send }
      },
    }
  }

  it('[ADP-02] [ADP-03] send the answer as bytes, next to the fields the application set', () => {
    const own = reply({ 'WWW-Authenticate': 'Basic realm="x"' })
    expect(sendReply(own, refusal)).toBe('sent')
    expect(own.sent).toEqual({
      status: 401,
      body: new TextEncoder().encode(refusal.body),
      fields: { 'WWW-Authenticate': ['Basic realm="x"', 'Bearer a', 'DPoP b'], 'Cache-Control': 'no-store' },
    })
  })

  it('[ADP-02] send no body where there is none, and set nothing where there is nothing to set', () => {
    const own = reply()
    sendReply(own, { status: 204, headers: noFields, body: '' })
    setReplyHeaders(own, {})
    expect(own.sent).toEqual({ status: 204, body: undefined, fields: {} })
  })
})
