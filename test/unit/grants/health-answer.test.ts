import { createGrants, createResourceServer } from 'portcullis'
import { createHealthAnswer } from 'portcullis/adapter'
import { createFrozenClock, createTestIssuer } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import type { GrantClient } from '../../../src/grants/exchange.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  clock: clock.now,
})
const auth = async () => server.verify(issuer.mintToken())

const client: GrantClient = {
  issuer: issuer.issuer,
  clientId: 'gateway',
  exchangeToken: async () => ({
    accessToken: 'downstream-hunter2',
    tokenType: 'Bearer',
    expiresAt: clock.now() / 1000 + 60,
    scope: [],
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  }),
}
const bodyOf = (answer: { body: string }) => JSON.parse(answer.body)

describe('the answer to a probe', () => {
  it('[S4-12] names issuers, circuits and stores only where it is asked to, and no secret', async () => {
    await server.warmUp()
    const grants = createGrants({ client: { ...client, breakers: () => ({ token: 'closed' }) } })
    const answer = createHealthAnswer(server, grants, { probe: 'ready' })()
    expect(answer.headers).toEqual({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    expect(bodyOf(answer)).toEqual({ status: 'ok' })
    const detailed = createHealthAnswer(server, grants, { details: true })()
    const sound = { shared: false, failures: 0 }
    expect(bodyOf(detailed)).toMatchObject({
      status: 'ok',
      server: { ready: true, issuers: { [issuer.issuer]: { state: 'fresh' } } },
      grants: { status: 'ok', store: sound, circuits: { [issuer.issuer]: { token: 'closed' } } },
    })
    expect(bodyOf(createHealthAnswer(server, undefined, { details: true })())).not.toHaveProperty('grants')
  })

  it('[S4-12] is 503 without keys, and 200 all the same to who asks whether the process lives', () => {
    const idle = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://idle.test' })
    const answers = [createHealthAnswer(idle, undefined)(), createHealthAnswer(idle, undefined, { probe: 'live' })()]
    expect(answers.map((answer) => [answer.status, bodyOf(answer)])).toEqual([
      [503, { status: 'unavailable' }],
      [200, { status: 'ok' }],
    ])
    expect(createHealthAnswer(idle, createGrants({ client }))()).toEqual(answers[0])
  })

  it('[S4-12] is 200 while a circuit, a store or the lock of the grants fails, and says degraded', async () => {
    await server.warmUp()
    const down = () => Promise.reject(new TypeError('down'))
    const open = createGrants({ client: [{ ...client, breakers: () => ({ token: 'open' }) }] })
    const failing = createGrants({ client, store: { get: down, set: down, delete: down } })
    const unlocked = createGrants({ client, lock: { acquire: down } })
    for (const grants of [failing, unlocked]) await grants.prepare(['https://calendar.test'])(await auth())
    for (const grants of [open, failing, unlocked]) {
      const answer = createHealthAnswer(server, grants)()
      expect([answer.status, bodyOf(answer)]).toEqual([200, { status: 'degraded' }])
    }
    expect(unlocked.health()).toMatchObject({ store: { failures: 0 }, lock: { shared: true, failures: 1 } })
    expect(open.health().lock).toBeUndefined()
  })

  it('[REAL-22] refuses an option it does not have, when the route is made', () => {
    expect(() => createHealthAnswer(server, undefined, { probe: 'alive' } as never)).toThrow(
      "`probe` takes one of 'ready', 'live'.",
    )
    expect(() => createHealthAnswer(server, undefined, null as never)).toThrow('health must be an object.')
    expect(() => createHealthAnswer(server, undefined, { detail: true } as never)).toThrow('Did you mean `details`?')
  })
})
