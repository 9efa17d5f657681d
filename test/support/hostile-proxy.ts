import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createCertificate } from './certificates.js'

/** Whatever answers below a URL: an application elsewhere, or a page. */
export type Behind = { readonly origin: string } | ((req: IncomingMessage, res: ServerResponse) => void)

/** A request that came by. */
export interface PassedRequest {
  readonly method: string
  readonly url: string
  readonly cookieLength: number
  readonly headers: IncomingMessage['headers']
  readonly status: number
  readonly setCookies: readonly string[]
}

/** A proxy that ends TLS, on a loopback port. */
export interface HostileProxy {
  readonly port: number
  /** What was asked of it, newest last. */
  readonly passed: PassedRequest[]
  /** Puts something behind `https://<host>:<port><prefix>`; of the paths it sees, the prefix is cut off. */
  mount(host: string, prefix: string, behind: Behind): void
  /** Answers the next request whose URL matches itself, with an empty page. Its URL. */
  hold(pattern: RegExp): Promise<string>
  close(): Promise<void>
}

/** What a wrongly set-up proxy, and whoever sends requests through it, makes applications believe. */
const lies = {
  host: 'wrong.internal:81',
  forwarded: 'for=192.0.2.1;host=evil.test;proto=http',
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-host': 'evil.test',
  'x-forwarded-port': '81',
  'x-forwarded-prefix': '/evil',
  'x-forwarded-proto': 'http',
  'x-original-url': '/evil',
}

/** Starts a proxy that ends TLS, cuts paths, and lies about host, scheme and client. */
export async function startHostileProxy(): Promise<HostileProxy> {
  const mounts: { readonly host: string; readonly prefix: string; readonly behind: Behind }[] = []
  const passed: PassedRequest[] = []
  const held: { readonly pattern: RegExp; readonly resolve: (url: string) => void }[] = []
  const server = createServer(await createCertificate('proxy'), (req, res) => {
    const { method = '', url = '', headers } = req
    const mount = mounts.find(
      ({ host, prefix }) => headers.host?.startsWith(`${host}:`) && (prefix === '' || url.startsWith(`${prefix}/`)),
    )
    res.on('finish', () => {
      const setCookies = [res.getHeader('set-cookie') ?? []].flat().map(String)
      const cookieLength = headers.cookie?.length ?? 0
      passed.push({
        method,
        url: `https://${headers.host}${url}`,
        cookieLength,
        headers,
        status: res.statusCode,
        setCookies,
      })
    })
    if (mount === undefined) return void res.writeHead(404).end()
    const at = held.findIndex(({ pattern }) => pattern.test(url))
    if (at >= 0) {
      held.splice(at, 1)[0]?.resolve(`https://${headers.host}${url}`)
      return void res.end()
    }
    req.url = url.slice(mount.prefix.length)
    if (typeof mount.behind === 'function') mount.behind(req, res)
    else pass(mount.behind.origin, req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    passed,
    hold: (pattern) => new Promise((resolve) => held.push({ pattern, resolve })),
    mount: (host, prefix, behind) => void mounts.unshift({ host, prefix, behind }),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function pass(origin: string, req: IncomingMessage, res: ServerResponse): void {
  const { method, headers, url } = req
  const onward = request(origin + url, { method, headers: { ...headers, ...lies }, agent: false }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(res)
  })
  onward.on('error', () => res.destroy())
  req.pipe(onward)
}
