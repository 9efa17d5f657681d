import { deepEqual, match } from 'node:assert/strict'
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import express from 'express'
import { createResourceServer, type Requirement, type ResourceServer, type ResourceServerOptions } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { type Inspector, type InspectorOptions, inspector } from 'portcullis/inspector'
import { createTestIssuer, type TestIssuer } from 'portcullis/testing'
import type { Row, State } from '../../src/inspector/wire.js'
import { type LoopbackServer, listenOnLoopback } from './loopback-server.js'

/** The token of the pages of tests: one that never changes, as `PORTCULLIS_INSPECTOR_TOKEN` keeps it. */
export const pageToken = 'the-token-of-the-page-in-the-tests'

/** An Express API with the development page. */
export interface InspectedApi {
  readonly origin: string
  readonly issuer: TestIssuer
  readonly server: ResourceServer
  readonly page: Inspector
  /** Sends a request to the API; no token, no field. */
  call(path: string, token?: string, headers?: OutgoingHttpHeaders): Promise<Answer>
  close(): Promise<void>
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What an {@link InspectedApi} may be given. */
export interface InspectedOptions {
  readonly server?: Partial<ResourceServerOptions>
  readonly page?: InspectorOptions
  readonly routes?: Readonly<Record<string, Requirement>>
  readonly before?: express.RequestHandler
  /** Below which the page is mounted. */
  readonly prefix?: string
  readonly issuer?: TestIssuer
  /** Default: any free one. */
  readonly port?: number
}

/** The resource of inspected APIs. */
export const resource = 'https://api.example.com'

/** Starts an API on loopback with the page in front of its routes. Anything else is 404 by a handler of its own. */
export async function startInspectedApi({
  server: options = {},
  page: pageOptions = {},
  routes = { '/me': {} },
  before = (_req, _res, next) => next(),
  prefix = '/',
  issuer: given,
  port,
}: InspectedOptions = {}): Promise<InspectedApi> {
  const issuer = given ?? createTestIssuer()
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, ...options })
  const page = inspector(server, { token: pageToken, announce: () => {}, ...pageOptions })
  const gate = portcullis(server)
  const app = express()
  app.use(before)
  app.use(prefix, page)
  for (const [path, requirement] of Object.entries(routes)) {
    app.all(path, gate.requireToken(requirement), (_req, res) => void res.json({ ok: true }))
  }
  app.use((_req, res) => void res.status(404).send('of the application'))
  const listening: LoopbackServer = await listenOnLoopback(app, port)
  return {
    origin: listening.origin,
    issuer,
    server,
    page,
    call: (path, token, headers = {}) =>
      send(`${listening.origin}${path}`, {
        headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
      }),
    async close() {
      page.close()
      if (given === undefined) await issuer.close()
      await listening.close()
    },
  }
}

/** Sends a request as it stands: `Host` and all other fields are those given. */
export function send(
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  const { hostname, port, pathname, search, host } = new URL(url)
  return new Promise((resolve, reject) => {
    const fields = { host, connection: 'close', ...headers }
    const options = { hostname, port, path: `${pathname}${search}`, method, headers: fields, agent: false }
    const sent = httpRequest(options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }),
      )
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** What came over a stream so far. */
export interface Received {
  readonly text: string
  readonly run: string | undefined
  readonly rows: readonly Row[]
  readonly states: readonly State[]
  readonly dropped: number
}

/** Reads a stream of the page until `isEnough`; then leaves. */
export async function readPage(
  origin: string,
  isEnough: (received: Received) => boolean,
  { path = '/.portcullis/stream', token = pageToken }: { path?: string; token?: string } = {},
): Promise<Received> {
  const leaving = new AbortController()
  const response = await fetch(`${origin}${path}`, {
    headers: { 'X-Portcullis-Inspector': token },
    signal: leaving.signal,
  })
  if (response.status !== 200 || response.body === null) throw new Error(`The stream answered ${response.status}.`)
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of response.body) {
    text += decoder.decode(part, { stream: true })
    if (isEnough(readMessages(text))) break
  }
  leaving.abort()
  return readMessages(text)
}

/**
 * Holds an application to what it owes a page that is mounted in it: page, stream, question; and everything else, or from
 * elsewhere, is its own 404.
 */
export async function expectWholePage(origin: string, token: string): Promise<void> {
  const page = await send(`${origin}/.portcullis/`)
  deepEqual([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8'])
  const { run } = await readPage(origin, ({ states }) => states.length > 0)
  match(String(run), /^[\da-f]{12}$/)
  const headers = { 'x-portcullis-inspector': pageToken, 'content-type': 'application/json' }
  const body = JSON.stringify({ token, resource })
  const told = await send(`${origin}/.portcullis/explain`, { method: 'POST', headers, body })
  deepEqual([told.status, JSON.parse(told.body).outcome], [200, 'accepted'])
  const own = await send(`${origin}/other`)
  for (const [path, fields] of [
    ['/.portcullis/other', {}],
    ['/.portcullis/stream', {}],
    ['/.portcullis/', { host: 'evil.test' }],
    ['/.portcullis/', { 'x-forwarded-for': '127.0.0.1' }],
  ] as const) {
    const answer = await send(`${origin}${path}`, { headers: fields })
    deepEqual([path, answer.status, answer.body], [path, 404, own.body.replaceAll('/other', path)])
  }
}

/** Takes the text of a stream apart. */
export function readMessages(text: string): Received {
  const messages = text.split('\n\n').slice(0, -1)
  const of = (name: string): string[] =>
    messages.flatMap((message) => new RegExp(`event: ${name}\ndata: (.*)`).exec(message)?.[1] ?? [])
  return {
    text,
    run: of('hello').map((one) => JSON.parse(one) as string)[0],
    rows: of('rows').flatMap((one) => JSON.parse(one) as Row[]),
    states: of('state').map((one) => JSON.parse(one) as State),
    dropped: of('dropped').reduce((sum, one) => sum + Number(one), 0),
  }
}
