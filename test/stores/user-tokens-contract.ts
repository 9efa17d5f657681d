import { randomUUID } from 'node:crypto'
import { createUserTokens, type LockStore, type TokenStore, type UserTokensOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { runInterleavings } from '../soak/interleavings.js'
import { rotatingServer } from '../support/rotating-server.js'
import { reauth, rejected } from '../support/user-tokens-set-up.js'

/** What two processes have that keep tokens of users: stores over the same entries, and a lock. */
export interface SharedTokenStore {
  readonly stores: readonly [TokenStore, TokenStore]
  readonly lock: LockStore
}

/** What the refresh of user tokens asks of a store, whatever it is. */
export function describeUserTokens(name: string, create: () => Promise<SharedTokenStore>): void {
  describe(`tokens of users in ${name}`, () => {
    async function setUp() {
      const { stores, lock } = await create()
      let aheadMs = 0
      const clock = () => Date.now() + aheadMs
      const server = rotatingServer({ clock })
      const key = `user-${randomUUID()}`
      const reasons: string[] = []
      const common: Omit<UserTokensOptions, 'store'> = {
        ...{ provider: server.provider, lock, key, clock },
        onReauthRequired: (reason) => void reasons.push(reason),
      }
      const [first, second] = stores
      const processes = [
        createUserTokens({ ...common, store: first }),
        createUserTokens({ ...common, store: second }),
      ] as const
      const expire = (): void => {
        aheadMs += 101_000
      }
      return { server, first, key, reasons, processes, expire }
    }

    it('[S1-28] [S2-37] are there for another process, and after a restart', async () => {
      const { server, processes } = await setUp()
      expect(await processes[1].restore()).toBeUndefined()
      const tokens = server.signIn('alice', { scope: 'read' })
      await processes[0].set(tokens, { account: { issuer: 'https://login.example.com', subject: 'alice' } })
      expect((await processes[1].restore())?.accessToken).toBe(tokens.accessToken)
      expect(await processes[1].isAuthenticated()).toBe(true)
    })

    it('[A1] [S1-27] are renewed once for all callers of two processes', async () => {
      const { server, processes, expire } = await setUp()
      await processes[0].set(server.signIn())
      for (const round of [1, 2]) {
        expire()
        const callers = [0, 1, 0, 1, 0, 1].map((index) => processes[index as 0 | 1].getToken())
        const answers = new Set((await Promise.all(callers)).map(({ accessToken }) => accessToken))
        expect([answers.size, server.redemptions, server.reuses]).toEqual([1, round, 0])
      }
    })

    it('[A3] [S2-41] are not brought back by a refresh that a logout overtook', async () => {
      const { server, first, key, processes, expire } = await setUp()
      await processes[0].set(server.signIn())
      expire()
      let answerNow = () => {}
      const asked = new Promise<void>((resolve) => {
        server.next(async (previous) => {
          resolve()
          await new Promise<void>((answer) => {
            answerNow = answer
          })
          return server.provider.refresh(previous)
        })
      })
      const refreshing = rejected(processes[0].getToken())
      await asked
      await processes[1].logout()
      answerNow()
      expect(await refreshing).toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
      expect(await first.has(key)).toBe(false)
      expect(server.livingSessions()).toBe(0)
    })

    it('[D02] are gone for both processes once the server ended the session, and a new login is left alone', async () => {
      const { server, first, key, reasons, processes, expire } = await setUp()
      const tokens = server.signIn()
      await processes[0].set(tokens)
      await processes[1].getToken()
      server.endSession(tokens)
      expire()
      expect(await rejected(processes[0].getToken())).toEqual(reauth('invalid_grant'))
      expect(await first.has(key)).toBe(false)
      expect(await rejected(processes[1].getToken())).toEqual(reauth('logged_out'))
      expect(reasons).toEqual(['invalid_grant', 'logged_out'])
      await processes[1].set(server.signIn('alice'))
      expect((await processes[0].getToken()).accessToken).toMatch(/^alice:/)
    })

    it('[A1] remember in every process that a refresh token was sent and no answer came', async () => {
      const { server, processes, expire } = await setUp()
      await processes[0].set(server.signIn())
      expire()
      server.next('lost')
      expect(await rejected(processes[0].getToken())).toMatchObject({ code: 'ERR_NETWORK' })
      expect(await rejected(processes[1].getToken())).toMatchObject({ code: 'ERR_NETWORK', retryable: true })
      expect([server.sent.length, server.reuses]).toEqual([1, 0])
    })

    it('[A4] [S2-56] are never those of somebody else of the same name and e-mail', async () => {
      const { stores, lock } = await create()
      const result = await runInterleavings({ stores, lock, interleavings: 2, parallel: 2 })
      expect(result).toEqual({ own: 16, foreign: 0, reuses: 0, errors: [] })
    })
  })
}
