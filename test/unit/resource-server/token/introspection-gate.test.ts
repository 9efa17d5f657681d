import { createFrozenClock } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import type { BreakerState } from '../../../../src/kit/client-events.js'
import { FetchFailure } from '../../../../src/kit/fetch/fetch-failure.js'
import { createIntrospectionGate } from '../../../../src/resource-server/token/introspection-gate.js'
import { introspectingServer } from '../../../support/introspecting-server.js'

function answer(status: number, headers: Record<string, string> = {}) {
  return { status, headers: new Headers(headers), mediaType: 'application/json', text: '{}' }
}

type Answer = ReturnType<typeof answer>

/** A gate, and a word for what became of each question. */
function gateOf(
  settings: { maxInFlight?: number; breaker?: false | { failureThreshold: number }; jitter?: number } = {},
) {
  const clock = createFrozenClock()
  const states: BreakerState[] = []
  const { breaker = { failureThreshold: 3 } } = settings
  const gate = createIntrospectionGate({
    maxInFlight: settings.maxInFlight ?? 100,
    breaker: breaker === false ? undefined : { resetTimeoutMs: 10_000, ...breaker },
    clock: clock.now,
    onCircuit: (state) => void states.push(state),
    random: () => settings.jitter ?? 0,
  })
  let sent = 0
  const ask = async (reply: () => Answer | Promise<Answer>, isKnown = false): Promise<string> => {
    try {
      const { status } = await gate.run(isKnown, (attempt) =>
        attempt(async () => {
          sent += 1
          return reply()
        }),
      )
      return String(status)
    } catch (error) {
      if (error instanceof FetchFailure) return error.reason
      const { detail, retryAfterSeconds } = error as { detail?: string; retryAfterSeconds?: number }
      return `${detail} ${retryAfterSeconds}`
    }
  }
  return { gate, clock, states, ask, sent: () => sent }
}

const fail = (reason: ConstructorParameters<typeof FetchFailure>[0]) => (): Promise<Answer> =>
  Promise.reject(new FetchFailure(reason))

/** An answer that comes when it is told to. */
function held() {
  let release: (value: Answer) => void = () => undefined
  const reply = new Promise<Answer>((resolve) => {
    release = resolve
  })
  return { reply: () => reply, release: (value = answer(200)) => release(value) }
}

describe('the bound on introspection requests in flight', () => {
  it('[REAL-13] refuses at once beyond it, keeps a quarter for tokens that were good, and gives places back', async () => {
    const { ask, sent } = gateOf({ maxInFlight: 8 })
    const slow = held()
    const unknown = Array.from({ length: 10 }, () => ask(slow.reply))
    expect(await Promise.all(unknown.slice(6))).toEqual(Array.from({ length: 4 }, () => 'overloaded 1'))
    const known = Array.from({ length: 3 }, () => ask(slow.reply, true))
    expect(await known[2]).toBe('overloaded 1')
    await vi.waitFor(() => expect(sent()).toBe(8), { timeout: 30_000 })
    slow.release()
    expect(await Promise.all([...unknown.slice(0, 6), ...known.slice(0, 2)])).toEqual(
      Array.from({ length: 8 }, () => '200'),
    )
    expect(await ask(fail('network'))).toBe('network')
    expect(await Promise.all(Array.from({ length: 6 }, () => ask(async () => answer(200))))).not.toContain(
      'overloaded 1',
    )
  })

  it('[REAL-13] shows how many requests are under way, and the state of the circuit', async () => {
    const { ask, gate, clock } = gateOf({ breaker: { failureThreshold: 1 } })
    expect(gate.health()).toEqual({ circuit: 'closed', inFlight: 0 })
    const slow = held()
    const asked = ask(slow.reply)
    expect(gate.health()).toEqual({ circuit: 'closed', inFlight: 1 })
    slow.release()
    await asked
    await ask(fail('network'))
    expect(gate.health()).toEqual({ circuit: 'open', inFlight: 0 })
    clock.advance(10_000)
    await ask(async () => answer(200))
    expect(gate.health()).toEqual({ circuit: 'closed', inFlight: 0 })
  })

  it('[REAL-13] lets an unknown token in where there is one place only', async () => {
    expect(await gateOf({ maxInFlight: 1 }).ask(() => answer(200))).toBe('200')
  })
})

describe('the circuit to an introspection endpoint', () => {
  it.each<[string, () => Answer | Promise<Answer>]>([
    ['connections fail', fail('network')],
    ['answers come too late', fail('timeout')],
    ...[429, 502, 503, 504].map((status): [string, () => Answer] => [`it answers ${status}`, () => answer(status)]),
  ])('[REAL-13] opens after failures in a row when %s, and asks nothing then', async (_, reply) => {
    const { ask, sent, states, clock } = gateOf()
    await ask(reply)
    await ask(reply)
    await ask(() => answer(200))
    for (let times = 0; times < 3; times++) await ask(reply)
    expect(states).toEqual(['open'])
    expect(await ask(() => answer(200))).toBe('circuit_open 10')
    clock.advance(9001)
    expect(await ask(() => answer(200), true)).toBe('circuit_open 1')
    expect(sent()).toBe(6)
  })

  it.each<[string, () => Answer | Promise<Answer>]>([
    ...[400, 401, 403, 404, 500].map((status): [string, () => Answer] => [`status ${status}`, () => answer(status)]),
    ...(['redirect', 'too_large', 'not_utf8'] as const).map((reason): [string, () => Promise<Answer>] => [
      reason,
      fail(reason),
    ]),
  ])('[REAL-13] is not opened by answers that an odd token may cause: %s', async (_, reply) => {
    const { ask, states } = gateOf()
    for (let times = 0; times < 20; times++) await ask(reply)
    expect([states, await ask(() => answer(200))]).toEqual([[], '200'])
  })

  it('[REAL-13] half-open lets one request try, refuses the others at once, and closes when it is answered', async () => {
    const { ask, states, clock, sent } = gateOf()
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    clock.advance(9999)
    expect(await ask(() => answer(200))).toBe('circuit_open 1')
    clock.advance(1)
    const trial = held()
    const trying = ask(trial.reply)
    expect(await Promise.all([ask(() => answer(200)), ask(() => answer(200), true)])).toEqual([
      'circuit_open 1',
      'circuit_open 1',
    ])
    expect(sent()).toBe(4)
    trial.release(answer(400))
    expect(await trying).toBe('400')
    expect(await ask(() => answer(200))).toBe('200')
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  it('[REAL-13] lets no second request try while the first has no answer, whatever else is answered', async () => {
    const { ask, gate, clock, sent } = gateOf()
    const [early, trial] = [held(), held()]
    const before = ask(early.reply)
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    clock.advance(10_000)
    const trying = ask(trial.reply)
    early.release()
    expect(await before).toBe('200')
    expect(gate.health()).toEqual({ circuit: 'half-open', inFlight: 1 })
    expect(await ask(() => answer(200))).toBe('circuit_open 1')
    expect(sent()).toBe(5)
    trial.release()
    expect(await trying).toBe('200')
  })

  it.each([
    [0, 10_000],
    [0.5, 7500],
    [1, 5000],
  ])('[REAL-13] stays open for a time of which half is left to chance: %d', async (jitter, openMs) => {
    const { ask, clock } = gateOf({ jitter })
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    clock.advance(openMs - 1)
    expect(await ask(() => answer(200))).toMatch(/^circuit_open/)
    clock.advance(1)
    expect(await ask(() => answer(200))).toBe('200')
  })

  it('[REAL-13] opens again for the whole time when the trial fails', async () => {
    const { ask, states, clock } = gateOf()
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    clock.advance(10_000)
    expect(await ask(fail('timeout'))).toBe('timeout')
    clock.advance(9999)
    expect(await ask(() => answer(200))).toBe('circuit_open 1')
    clock.advance(1)
    expect(await ask(() => answer(200))).toBe('200')
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  it('[REAL-13] does not count a trial that never went out', async () => {
    const { gate, ask, clock, states } = gateOf()
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    clock.advance(10_000)
    await expect(gate.run(false, () => Promise.reject(new Error('no credential')))).rejects.toThrow('no credential')
    expect(states).toEqual(['open'])
    expect(await ask(() => answer(200))).toBe('200')
  })

  it('[REAL-13] stops what was let in before it opened and has not gone out yet', async () => {
    const { gate, ask, sent } = gateOf()
    let goOn: () => void = () => undefined
    const credential = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const waiting = gate.run(false, async (attempt) => {
      await credential
      return attempt(async () => answer(200))
    })
    for (let times = 0; times < 3; times++) await ask(fail('network'))
    goOn()
    await expect(waiting).rejects.toMatchObject({ detail: 'circuit_open', status: 503 })
    expect(sent()).toBe(3)
  })

  it('[REAL-13] stays open for as long as Retry-After asks for, five minutes at most', async () => {
    for (const [asked, seconds] of [
      ['60', 60],
      ['5', 10],
      ['86400', 300],
      ['nonsense', 10],
    ] as const) {
      const { ask } = gateOf()
      for (let times = 0; times < 3; times++) await ask(() => answer(503, { 'retry-after': asked }))
      expect(await ask(() => answer(200))).toBe(`circuit_open ${seconds}`)
    }
  })

  it('[REAL-13] never opens where the option says so', async () => {
    const { ask, states } = gateOf({ breaker: false })
    for (let times = 0; times < 50; times++) await ask(fail('network'))
    expect([states, await ask(() => answer(200))]).toEqual([[], '200'])
  })
})

describe('a server with an introspection endpoint in trouble', () => {
  it('[REAL-13] answers 503 with Retry-After at once, tells so, and comes back', async () => {
    const { issuer, call, outcome, clock, events } = introspectingServer()
    const token = issuer.mintOpaqueToken()
    issuer.override('introspection', { kind: 'down' }, { times: 5 })
    for (let index = 0; index < 5; index++) await outcome(`junk-${index}`)
    const result = await call(token)
    expect(result.ok || [result.answer.status, result.answer.headers['Retry-After']]).toEqual([
      503,
      expect.stringMatching(/^([5-9]|10)$/),
    ])
    expect(issuer.requestCount('introspection')).toBe(5)
    expect(await outcome(issuer.mintToken())).toBe('accepted')
    clock.advance(10_000)
    expect(await outcome(token)).toBe('accepted')
    expect(events.flatMap((event) => (event.type === 'introspection.breaker' ? [event.state] : []))).toEqual([
      'open',
      'half-open',
      'closed',
    ])
  })

  it('[REAL-13] keeps places for tokens that were good, until they are not', async () => {
    const { issuer, outcome, clock } = introspectingServer({ introspection: { maxInFlight: 4 } })
    const [good, revoked] = [issuer.mintOpaqueToken(), issuer.mintOpaqueToken()]
    expect([await outcome(good), await outcome(revoked)]).toEqual(['accepted', 'accepted'])
    issuer.revoke(revoked)
    clock.advance(60_000)
    expect(await outcome(revoked)).toBe('401 ERR_TOKEN_INACTIVE')
    clock.advance(10_000)
    const hold = issuer.hold('introspection')
    const junk = Array.from({ length: 3 }, (_, index) => outcome(`junk-${index}`))
    await hold.arrived
    expect(await outcome(revoked)).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    expect(await outcome('junk')).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    const renewed = outcome(good)
    hold.release()
    expect(await renewed).toBe('accepted')
    expect(new Set(await Promise.all(junk))).toEqual(new Set(['401 ERR_TOKEN_INACTIVE']))
  })
})
