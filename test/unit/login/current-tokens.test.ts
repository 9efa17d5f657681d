import { NetworkError } from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejected, setUpUserTokens as setUp } from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

describe('startBackgroundRefresh', () => {
  it('[S2-38] renews ahead of the end, again and again, with one timer', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    tokens.startBackgroundRefresh()
    tokens.startBackgroundRefresh()
    await tokens.set(server.signIn())
    expect(vi.getTimerCount()).toBe(1)
    await pass(3530)
    expect(server.redemptions).toBe(0)
    await pass(20)
    expect(server.redemptions).toBe(1)
    await pass(3600 * 3)
    expect([server.redemptions, server.reuses]).toEqual([4, 0])
  })

  it('[S2-38] tries again after a failure, and finds what another process signed in', async () => {
    const { server, open, reasons } = setUp({ lifeSeconds: 3600 })
    const [here, there] = [open(), open()]
    here.startBackgroundRefresh()
    await pass(61)
    await there.set(server.signIn())
    await pass(61)
    server.next('unreached', 'unreached')
    await pass(3420)
    expect(server.redemptions).toBe(0)
    await pass(120)
    expect(server.redemptions).toBe(1)
    expect(reasons).toEqual(['no_tokens'])
  })

  it('[S2-38] leaves a refresh token alone that was sent without an answer while the token is good', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    await tokens.set(server.signIn())
    tokens.startBackgroundRefresh()
    server.next(new NetworkError('ERR_NETWORK'))
    await pass(3599)
    expect(server.sent).toHaveLength(1)
    await pass(60)
    expect(server.redemptions).toBe(1)
  })

  it('[S2-38] [S2-41] ends with a logout and with close', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    tokens.startBackgroundRefresh()
    await tokens.logout()
    expect(vi.getTimerCount()).toBe(0)
    await tokens.set(server.signIn())
    tokens.startBackgroundRefresh()
    await tokens.close()
    expect(vi.getTimerCount()).toBe(0)
    await pass(200)
    expect(server.sent).toEqual([])
  })
})

describe('close', () => {
  it('[S1-38] waits for a refresh under way, whatever becomes of it', async () => {
    for (const mishap of [[], ['unreached' as const]]) {
      const { server, open } = setUp()
      const tokens = open()
      await tokens.set(server.signIn())
      await pass(95)
      let letGo = () => {}
      server.gate = () =>
        new Promise((resolve) => {
          letGo = resolve
        })
      server.next(...mishap)
      await tokens.getToken()
      const closed = vi.fn()
      const closing = tokens[Symbol.asyncDispose]().then(closed)
      await pass(1)
      expect(closed).not.toHaveBeenCalled()
      letGo()
      await pass(1)
      await closing
      expect(closed).toHaveBeenCalledTimes(1)
    }
  })
})

describe('a refresh for a refused token', () => {
  it('[S1-27] is one of its own where the one under way brings the refused token', async () => {
    const { server, open } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    await pass(95)
    server.next(async () => first)
    await tokens.getToken()
    const renewed = await tokens.getToken({ rejected: first })
    expect(renewed.accessToken).not.toBe(first.accessToken)
    expect(server.sent).toHaveLength(2)
    expect(await rejected(tokens.getToken())).toBeUndefined()
  })
})
