/** In the place of test/support/serve-fetch.ts on Bun and Deno: their own HTTP servers. */
interface BunServer {
  readonly port: number
  stop(now: boolean): Promise<void>
  requestIP(request: Request): { readonly address: string } | null
}

interface Runtime {
  readonly Bun?: {
    serve(options: {
      hostname: string
      port: number
      fetch(request: Request, server: BunServer): Response | Promise<Response>
    }): BunServer
  }
  readonly Deno?: {
    serve(
      options: { hostname: string; port: number; onListen(): void },
      handle: (
        request: Request,
        about: { readonly remoteAddr: { readonly hostname: string } },
      ) => Response | Promise<Response>,
    ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> }
  }
}

const { Bun, Deno } = globalThis as unknown as Runtime
const addresses = new WeakMap<Request, string>()

export function connection(request: Request): { remoteAddress: string | undefined } {
  return { remoteAddress: addresses.get(request) }
}

export async function serveFetch(
  handle: (request: Request) => Response | Promise<Response>,
): Promise<{ origin: string; close(): Promise<void> }> {
  const known = (request: Request, address: string | undefined) => {
    if (address !== undefined) addresses.set(request, address)
    return handle(request)
  }
  if (Bun !== undefined) {
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request, running) => known(request, running.requestIP(request)?.address),
    })
    return { origin: `http://127.0.0.1:${server.port}`, close: () => server.stop(true) }
  }
  if (Deno === undefined) throw new Error('neither Bun nor Deno')
  const server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen() {} }, (request, { remoteAddr }) =>
    known(request, remoteAddr.hostname),
  )
  return { origin: `http://127.0.0.1:${server.addr.port}`, close: () => server.shutdown() }
}
