import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

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
    expect(await late).toBe('503 ERR_DISCOVERY_UNAVAILABLE')
    expect(await call(issuer.mintToken())).toBe('ok')
  })
})
