import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Outcome } from './behaviour.js'
import type { EndpointRequest } from './endpoint-request.js'

/** A listening server. */
export interface LoopbackServer {
  readonly origin: string
  close(): Promise<void>
}

/** Serves `handle` over HTTP on 127.0.0.1; port 0 picks a free one. */
export async function startLoopbackServer(
  handle: (request: EndpointRequest) => Promise<Outcome>,
  port: number,
): Promise<LoopbackServer> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', (req, res) => {
    toRequest(req, origin)
      .then(handle)
      .then((outcome) => send(res, outcome))
      .catch(() => res.destroy())
  })
  return {
    origin,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function toRequest(req: IncomingMessage, origin: string): Promise<EndpointRequest> {
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return {
    method: req.method as string,
    url: `${origin}${req.url}`,
    headers,
    body: Buffer.concat(chunks).toString(),
  }
}

function send(res: ServerResponse, outcome: Outcome): void {
  if (outcome.kind === 'hang') return
  if (outcome.kind === 'down') {
    res.destroy()
    return
  }
  const { answer, pace } = outcome
  const body = Buffer.from(answer.body)
  res.writeHead(answer.status, { 'content-length': body.length, ...answer.headers })
  if (pace === 'whole') res.end(body)
  else if (pace === 'half') res.write(body.subarray(0, body.length / 2))
  else drip(res, body, pace)
}

function drip(res: ServerResponse, body: Buffer, intervalMs: number): void {
  let sent = 0
  const timer = setInterval(() => {
    res.write(body.subarray(sent, sent + 1))
    sent += 1
    if (sent < body.length) return
    clearInterval(timer)
    res.end()
  }, intervalMs).unref()
  res.on('close', () => clearInterval(timer))
}
