/**
 * The listener of one login on this machine (RFC 8252 §7.3): tells the one answer that belongs to the login from everything
 * else that may knock. Does NOT redeem the code, and decides nothing about its other parameters.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { constantTimeEqual } from '#crypto'
import { failureCode } from '../kit/failure-code.js'
import { LoopbackError } from './native-errors.js'

/** The host of a redirect URI on this machine. */
export type LoopbackHost = '127.0.0.1' | '::1' | 'localhost'

/** Where to listen. */
export interface LoopbackPlace {
  readonly host: LoopbackHost
  /** The ports to try, in order; 0 for any free one. */
  readonly ports: readonly number[]
  /** Begins with a slash. */
  readonly path: string
}

/** A page as the browser gets it. */
export interface Page {
  readonly status: number
  readonly html: string
}

/** What the listener asks of the login. */
export interface LoopbackLogin {
  readonly state: string
  /** Where `/start-…` leads. */
  readonly authorizationUrl: string
  /** The answer to this very login came. Resolves to the page that tells the user how it went. */
  readonly answered: (query: URLSearchParams) => Promise<Page>
  /** So many answers with another state came that somebody is guessing. */
  readonly guessed: () => void
}

/** A listener. */
export interface LoopbackServer {
  readonly redirectUri: string
  /** Begins to answer. Returns the address to open in a browser: it holds nothing of the login. */
  serve(login: LoopbackLogin): string
  /** Resolves when the page was fetched, or the browser had `graceMs` for it; then nothing is open any more. */
  finish(graceMs: number): Promise<void>
  /** Ends everything at once. */
  close(): Promise<void>
}

/** Answers with a wrong state, after which the login ends. */
const maxGuesses = 20
const maxUrlLength = 8192
const headersTimeoutMs = 5000
/** How long the browser waits for the page while the code is redeemed. */
const longestHoldMs = 30_000

/**
 * Listens on the loopback addresses: the one of the redirect URI, and its sibling of the other family on the same port
 * where there is one. Never on any other address.
 *
 * @throws {@link LoopbackError} `ERR_LOOPBACK_UNAVAILABLE` where no port is free.
 */
export async function openLoopback(place: LoopbackPlace): Promise<LoopbackServer> {
  for (const port of place.ports) {
    const servers = await listenOn(place, port)
    if (servers !== undefined) return createLoopbackServer(place, servers)
  }
  const tried = place.ports[0] === 0 ? 'no port' : `none of the ports ${place.ports.join(', ')}`
  throw new LoopbackError(
    'ERR_LOOPBACK_UNAVAILABLE',
    `${tried} of ${place.host} can be had: give another \`port\` or \`portRange\`, or sign in by device or manually.`,
  )
}

/** `localhost` may lead to either family: whoever held the port of the other one would get the code. */
async function listenOn({ host }: LoopbackPlace, port: number): Promise<readonly Server[] | undefined> {
  const [first, second] = host === '::1' ? ['::1', '127.0.0.1'] : ['127.0.0.1', '::1']
  const main = await listen(first as string, port)
  if (typeof main === 'string') return undefined
  const sibling = await listen(second as string, (main.address() as AddressInfo).port)
  if (typeof sibling !== 'string') return [main, sibling]
  if (host !== 'localhost' || sibling !== 'EADDRINUSE') return [main]
  await closed(main)
  return undefined
}

/** The code of the failure where it cannot listen. */
function listen(host: string, port: number): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer({
      connectionsCheckingInterval: 1000,
      headersTimeout: headersTimeoutMs,
      requestTimeout: headersTimeoutMs,
    })
    server.maxConnections = 64
    server.once('error', (error) => resolve(failureCode(error)))
    server.listen({ host, port, exclusive: true }, () => resolve(server))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function createLoopbackServer({ host, path }: LoopbackPlace, servers: readonly Server[]): LoopbackServer {
  const { port } = (servers[0] as Server).address() as AddressInfo
  const shownHost = host === '::1' ? '[::1]' : host
  const origin = `http://${shownHost}:${port}`
  const hosts: readonly unknown[] = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`)
  const secretPath = () => `/${crypto.randomUUID()}`
  const startPath = secretPath()
  const donePath = `${path === '/' ? '' : path}/done`
  let pageFetched!: () => void
  const fetched = new Promise<void>((resolve) => {
    pageFetched = resolve
  })
  let login: LoopbackLogin | undefined
  let isStarted = false
  let isAnswered = false
  let guesses = 0
  let page: Page | undefined

  /** The address that was asked for, or the status of the refusal. */
  function targetOf({ url: target = '', headers, method }: IncomingMessage): URL | number {
    if (target.length > maxUrlLength) return 414
    // A page of a stranger whose name leads here sends that name (DNS rebinding).
    if (!hosts.includes(headers.host?.toLowerCase())) return 400
    if (!target.startsWith('/') || !URL.canParse(target, origin)) return 400
    const url = new URL(target, origin)
    if (![path, startPath, donePath].includes(url.pathname)) return 404
    return method === 'GET' ? url : 405
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = targetOf(request)
    if (typeof url === 'number') refuse(response, url)
    else if (url.pathname === startPath) start(response)
    else if (url.pathname === donePath) done(response)
    else void answer(response, url)
  }

  /** Once: what the process list shows must not show the state of the login to whoever asks later. */
  function start(response: ServerResponse): void {
    if (login !== undefined && !isStarted) redirect(response, login.authorizationUrl)
    else refuse(response, 404)
    isStarted = true
  }

  function done(response: ServerResponse): void {
    if (page === undefined) refuse(response, 404)
    else send(response.once('close', pageFetched), page)
  }

  async function answer(response: ServerResponse, { searchParams }: URL): Promise<void> {
    // What comes before the login is under way knocks at nothing, and does not use up the guesses.
    if (login === undefined || isAnswered) {
      refuse(response, 400)
      return
    }
    const states = searchParams.getAll('state')
    if (states.length !== 1 || !constantTimeEqual(states[0] as string, login.state)) {
      refuse(response, 400)
      guesses += 1
      if (guesses === maxGuesses) login.guessed()
      return
    }
    isAnswered = true
    const hold = setTimeout(() => redirect(response, donePath), longestHoldMs)
    page = { status: 202, html: '<!doctype html><p>The login is still under way: see the program that started it.</p>' }
    page = await login.answered(searchParams)
    clearTimeout(hold)
    redirect(response, donePath)
  }

  for (const server of servers) server.on('request', handle)

  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closed))
  }
  return {
    redirectUri: `${origin}${path}`,
    serve(started) {
      login = started
      return `${origin}${startPath}`
    },
    async finish(graceMs) {
      const timer = setTimeout(pageFetched, graceMs)
      await fetched
      clearTimeout(timer)
      await close()
    },
    close,
  }
}

const commonFields = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...commonFields, ...(status === 405 ? { allow: 'GET' } : {}) }).end()
}

/** The code leaves the address bar. */
function redirect(response: ServerResponse, location: string): void {
  if (!response.headersSent) response.writeHead(303, { ...commonFields, location }).end()
}

function send(response: ServerResponse, { status, html }: Page): void {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
  const fields = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }
  response.writeHead(status, { ...commonFields, ...fields }).end(html)
}
