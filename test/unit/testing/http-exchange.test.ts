import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exchange } from 'portcullis/adapter-testing'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../support/loopback-server.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('exchange', () => {
  it('sends a request as it is written, over a connection of its own', async () => {
    const seen: unknown[] = []
    const origin = await serve((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        seen.push([req.method, req.url, req.rawHeaders, Buffer.concat(chunks).toString()])
        res.end()
      })
    })
    const { host } = new URL(origin)
    await exchange(origin, { path: '/a?b' })
    const fields = [
      ['X-A', '1'],
      ['x-a', '2'],
    ] as const
    await exchange(origin, { method: 'PUT', path: '/c', fields, body: '€' })
    expect(seen).toEqual([
      ['GET', '/a?b', ['Host', host, 'Connection', 'close'], ''],
      ['PUT', '/c', ['Host', host, 'Connection', 'close', 'X-A', '1', 'x-a', '2', 'Content-Length', '3'], '€'],
    ])
  })

  it('gives every value of a field, whatever case its name came in, and no value of another', async () => {
    const origin = await serve((_, res) => {
      res.writeHead(207, ['Set-A', 'one', 'set-a', 'two', 'Other', 'set-a', 'Last', 'x'])
      res.end('text')
    })
    const { status, fields, body } = await exchange(origin, { path: '/' })
    expect([status, fields('SET-A'), fields('other'), fields('absent'), body]).toEqual([
      ...[207, ['one', 'two'], ['set-a'], [], 'text'],
    ])
  })

  it('rejects where nobody listens, and where an answer breaks off', async () => {
    await expect(exchange(`http://127.0.0.1:${await freePort()}`, { path: '/' })).rejects.toThrow('ECONNREFUSED')
    const origin = await serve((_, res) => {
      res.writeHead(200, { 'Content-Length': 10 })
      res.write('abc', () => res.destroy())
    })
    await expect(exchange(origin, { path: '/' })).rejects.toThrow()
  })
})
