import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on loopback, for one test. */
export interface LoopbackServer {
  readonly origin: string
  readonly server: Server
  /** The number of requests received. */
  requests(): number
  close(): Promise<void>
}

/** Listens on a free port of 127.0.0.1, or on the one given. */
export async function listenOnLoopback(listener: RequestListener, wanted = 0): Promise<LoopbackServer> {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    listener(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(wanted, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    server,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Below the ports that systems hand out by themselves; each process begins at a place of its own. */
const [lowestPort, portsThere, portsPerProcess] = [10_240, 22_000, 101]
let asked = process.pid * portsPerProcess

/**
 * A port of 127.0.0.1 that nothing listens at, and that nothing is given that asks for any free port: who asks for it may
 * take his time. No port is answered twice.
 */
export async function freePort(): Promise<number> {
  const port = lowestPort + (asked++ % portsThere)
  try {
    const { close } = await listenOnLoopback(() => undefined, port)
    await close()
    return port
  } catch {
    return freePort()
  }
}
