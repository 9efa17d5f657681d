import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

const never = () => new Promise<never>(() => {})

afterEach(() => vi.useRealTimers())

describe('a part of the application that never answers', () => {
  it('[C-17] makes a request 503 where it is the issuer function, and the next one asks again', async () => {
    const world = createAttackedServer()
    const answers = [never, async () => ({})]
    const { call, issuer } = createAttackedServer({
      issuer: () => answers.shift()?.(),
      tenants: [world.issuer.issuer],
    })
    vi.useFakeTimers()
    const late = call(issuer.mintToken())
    await vi.advanceTimersByTimeAsync(5000)
    expect(await late).toBe('503 ERR_ISSUER_UNAVAILABLE')
    expect(await call(issuer.mintToken())).toBe('ok')
  })

  it('[C-17] [E-13] makes a request 503 where it is asked about revocation', async () => {
    const { call, issuer } = createAttackedServer({ isRevoked: never })
    vi.useFakeTimers()
    const late = call(issuer.mintToken())
    await vi.advanceTimersByTimeAsync(5000)
    expect(await late).toBe('503 ERR_STORE_UNAVAILABLE')
  })

  it('[C-17] makes the metadata 503 where it is the signer, and the next request asks again', async () => {
    const answers = [never, async () => 'signed']
    const sign = async () => (answers.shift() as () => Promise<string>)()
    const { server } = createAttackedServer({ resource: { resource, metadata: { sign } } })
    const facts = { method: 'GET', url: '/.well-known/oauth-protected-resource', headerValues: () => [] }
    vi.useFakeTimers()
    const late = server.metadata(facts)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await late).toMatchObject({ status: 503 })
    expect(await server.metadata(facts)).toMatchObject({ status: 200 })
  })
})
