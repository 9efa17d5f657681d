import { getHeapSnapshot } from 'node:v8'
import { createResourceServer } from 'portcullis'
import {
  createFrozenClock,
  createSigningKey,
  createTestIssuer,
  requestFacts,
  type SigningKey,
} from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const resource = 'https://api.test'

function setUp(keys: readonly SigningKey[]) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  issuer.withdrawKey(issuer.signingKey().kid)
  for (const { publicJwk } of keys) issuer.publishKey(publicJwk)
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
  const call = async (token: string) => {
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    return result.ok ? 'ok' : result.error.code
  }
  return { issuer, call, server, clock }
}

const withoutKid = (key: SigningKey): SigningKey => {
  const { kid: _, ...publicJwk } = key.publicJwk
  return { ...key, publicJwk }
}

describe('verifyJwt', () => {
  it('[JWT-09] accepts tokens of every key that shares a header, whichever was seen first', async () => {
    const keys = [withoutKid(createSigningKey()), withoutKid(createSigningKey())]
    const { issuer, call } = setUp(keys)
    const header = { kid: undefined }
    for (const key of [...keys, ...[...keys].reverse(), ...keys]) {
      expect(await call(issuer.mintToken({}, { key, header }))).toBe('ok')
    }
    expect(await call(issuer.mintToken({}, { key: createSigningKey(), header }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] accepts tokens of two keys with one kid', async () => {
    const keys = [createSigningKey({ kid: 'same' }), createSigningKey({ kid: 'same' })]
    const { issuer, call } = setUp(keys)
    for (const key of [...keys, ...keys]) expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    expect(await call(issuer.mintToken({}, { key: createSigningKey({ kid: 'same' }) }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] refuses a forged token under a header it knows', async () => {
    const key = createSigningKey()
    const { issuer, call } = setUp([key])
    expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    for (const tamper of ['payload', 'signature'] as const) {
      expect(await call(issuer.mintToken({}, { key, tamper }))).toBe('ERR_TOKEN_SIGNATURE')
    }
  })

  it('[C-30] remembers neither a raw token nor a slice that keeps it in memory', async () => {
    const key = createSigningKey()
    const { issuer, server } = setUp([key])
    const kept = issuer.mintToken({}, { key, header: { 'x-kept': true } })
    const needles: string[] = []
    // Needles are held backwards, so that only a token still in memory can match them.
    const verifyOne = async (token: string) => {
      const { token: received } = await server.verify(token)
      needles.push([...received.slice(-60)].reverse().join(''))
    }
    await verifyOne(issuer.mintToken({}, { key }))
    await verifyOne(kept)
    const heap = await readHeap()
    const isInMemory = needles.map((needle) => heap.includes([...needle].reverse().join('')))
    expect(isInMemory).toEqual([false, true])
    expect(kept).toHaveLength(kept.length)
  })
})

async function readHeap(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
