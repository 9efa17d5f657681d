import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What the proxy does to each connection from now on, and to what the server says on those that are open. */
export type Fault =
  | { readonly kind: 'none' }
  /** Hands each piece of the answer on so much later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Hands so many bytes of the answer on, and then breaks the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Hands so many bytes of the answer on, and then nothing: the connection stays open. */
  | { readonly kind: 'stalled'; readonly afterBytes: number }
  /** Accepts connections and never says anything. */
  | { readonly kind: 'half-open' }
  /** Accepts connections and resets them. */
  | { readonly kind: 'reset' }
  /** Hands the answer on a byte at a time. */
  | { readonly kind: 'trickle'; readonly intervalMs: number }
  /** Hands the second half of each piece of the answer on before the first. */
  | { readonly kind: 'reordered' }

/** A proxy between a program and a server, over real TCP. It knows nothing of what passes through. */
export interface TcpProxy {
  readonly port: number
  /** Where connections lead from now on. Those that are open are broken. */
  redirect(port: number): void
  /** Breaks all connections that are open. */
  breakAll(): void
  fault: Fault
  /** How many connections were made. */
  readonly connections: number
  close(): Promise<void>
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let target = targetPort
  let connections = 0

  const server = createServer((client) => {
    connections += 1
    track(client)
    if (proxy.fault.kind === 'reset') return void client.resetAndDestroy()
    if (proxy.fault.kind === 'half-open') return void client.resume()
    const upstream = connect(target, '127.0.0.1')
    track(upstream)
    client.pipe(upstream)
    const hand = createHand(client, () => proxy.fault)
    upstream.on('data', hand)
    upstream.on('end', () => void (proxy.fault.kind === 'none' && client.end()))
    upstream.on('close', () => void (proxy.fault.kind === 'none' && client.destroy()))
    client.on('close', () => upstream.destroy())
  })

  function track(socket: Socket): void {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  }
  function breakAll(): void {
    for (const socket of open) socket.destroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = {
    port: (server.address() as AddressInfo).port,
    fault: { kind: 'none' } as Fault,
    get connections() {
      return connections
    },
    breakAll,
    redirect(port: number) {
      target = port
      breakAll()
    },
    async close() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Hands what the server says on to the client, as the fault says. */
function createHand(client: Socket, fault: () => Fault): (chunk: Buffer) => void {
  let handed = 0

  function upTo(bytes: number, chunk: Buffer, then: () => void): void {
    const part = chunk.subarray(0, Math.max(0, bytes - handed))
    handed += part.length
    if (part.length > 0) client.write(part, then)
    else then()
  }

  function trickle(chunk: Buffer, intervalMs: number): void {
    let sent = 0
    const timer = setInterval(() => {
      client.write(chunk.subarray(sent, sent + 1))
      sent += 1
      if (sent === chunk.length || client.destroyed) clearInterval(timer)
    }, intervalMs)
    client.on('close', () => clearInterval(timer))
  }

  return (chunk) => {
    const now = fault()
    const half = chunk.length >> 1
    switch (now.kind) {
      case 'none':
        return void client.write(chunk)
      case 'slow':
        return void setTimeout(() => client.write(chunk), now.delayMs)
      case 'cut':
        return upTo(now.afterBytes, chunk, () => client.destroy())
      case 'stalled':
        return upTo(now.afterBytes, chunk, () => {})
      case 'trickle':
        return trickle(chunk, now.intervalMs)
      case 'reset':
        return void client.resetAndDestroy()
      case 'reordered':
        return void client.write(Buffer.concat([chunk.subarray(half), chunk.subarray(0, half)]))
      default:
        return undefined
    }
  }
}
