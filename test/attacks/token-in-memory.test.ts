import { getHeapSnapshot } from 'node:v8'
import { createResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer } from 'portcullis/testing'
import { expect, it } from 'vitest'

async function readHeap(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

it('[C-30] remembers neither a raw token nor a slice that keeps it in memory', async () => {
  const clock = createFrozenClock()
  const resource = 'https://api.example.com'
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
  const kept = issuer.mintToken({}, { header: { 'x-kept': true } })
  const needles: string[] = []
  // Needles are held backwards, so that only a token still in memory can match them.
  const verifyOne = async (token: string) => {
    const { token: received } = await server.verify(token)
    needles.push([...received.slice(-60)].reverse().join(''))
  }
  await verifyOne(issuer.mintToken())
  // What stood on the stack is written over: some runtimes take every word there for a reference.
  for (let count = 0; count < 20; count += 1) await server.verify(issuer.mintToken())
  await verifyOne(kept)
  const heap = await readHeap()
  const isInMemory = needles.map((needle) => heap.includes([...needle].reverse().join('')))
  expect(isInMemory).toEqual([false, true])
  expect(kept).toHaveLength(kept.length)
})
