import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'

const incoming = new WeakMap<Request, IncomingMessage>()

/** What the server knows of a request, and the request itself does not tell. */
export function connection(request: Request): { remoteAddress: string | undefined } {
  return { remoteAddress: incoming.get(request)?.socket.remoteAddress }
}

/** Serves a Fetch handler on 127.0.0.1, on a free port. */
export function serveFetch(
  handle: (request: Request) => Response | Promise<Response>,
): Promise<{ origin: string; close(): Promise<void> }> {
  return new Promise((resolve) => {
    const fetch = (request: Request, env: { incoming: IncomingMessage }) => {
      incoming.set(request, env.incoming)
      return handle(request)
    }
    const server = serve({ fetch: fetch as never, hostname: '127.0.0.1', port: 0 }, ({ port }: AddressInfo) =>
      resolve({
        origin: `http://127.0.0.1:${port}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            // A client whose stream was broken off may keep its connection.
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      }),
    )
  })
}
