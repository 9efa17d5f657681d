import { type OAuthClientOptions, restoreRegistration } from 'portcullis/client'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../../../support/client-set-up.js'
import { html503, plain, rateLimited, refusal, reset, silent, tokens } from '../../../support/fake-token-endpoint.js'

/** The product's own pauses, on fake timers; the client reads the same clock. */
function onFakeTimers(options: Partial<OAuthClientOptions> = {}) {
  return setUpClient({ retry: {}, clock: Date.now, ...options })
}

/** What a caller gets whose signal ends the pause that the server asks for. */
async function abortedInPause(reason?: DOMException) {
  const { server, client } = onFakeTimers()
  await client.ready()
  server.script('/token', rateLimited('10'))
  const controller = new AbortController()
  const failure = rejection(client.exchangeToken({ subjectToken: 't' }, { signal: controller.signal }))
  await vi.advanceTimersByTimeAsync(5000)
  controller.abort(reason)
  await vi.advanceTimersByTimeAsync(0)
  return failure
}

describe('retry', () => {
  // What tries again is loaded with the first failure, which takes more than microtasks.
  beforeAll(async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', html503(), tokens())
    await client.clientCredentials()
  })
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('[S0-09] [S0-73] [S4-18] [S4-19] tries three times more, after at most 1, 2 and 4 s of full jitter', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { server, client, events } = onFakeTimers()
    server.script('/token', html503())
    const failure = rejection(client.clientCredentials())
    await vi.runAllTimersAsync()
    expect(await failure).toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(server.at('/token')).toHaveLength(4)
    expect(events.flatMap((event) => (event.type === 'client.retry' ? [event.delayMs] : []))).toEqual([
      1000, 2000, 4000,
    ])
  })

  it('[S4-19] begins with the initial delay it is given', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { server, client, events } = onFakeTimers({ retry: { initialDelayMs: 50, maxDelayMs: 150 } })
    server.script('/token', html503())
    const failure = rejection(client.clientCredentials())
    await vi.runAllTimersAsync()
    await failure
    expect(events.flatMap((event) => (event.type === 'client.retry' ? [event.delayMs] : []))).toEqual([50, 100, 150])
  })

  it('ends with the time of the whole call, where that is less than one attempt may take', async () => {
    const { server, client } = onFakeTimers({ timeoutMs: 10_000 })
    await client.ready()
    await vi.advanceTimersByTimeAsync(60_000)
    server.script('/token', silent())
    let failure: unknown
    void rejection(client.clientCredentials({}, { totalTimeoutMs: 3000 })).then((error) => {
      failure = error
    })
    await vi.advanceTimersByTimeAsync(2999)
    expect(failure).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(failure).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('[REAL-25] passes on at once a Retry-After beyond the time this call has left', async () => {
    const { server, client } = onFakeTimers()
    await client.ready()
    server.script('/token', rateLimited('10'))
    const startedMs = Date.now()
    const params = { subjectToken: 't' }
    expect(await rejection(client.exchangeToken(params, { totalTimeoutMs: 9000 }))).toMatchObject({
      code: 'ERR_RATE_LIMITED',
      retryAfterMs: 10_000,
      retryAfterSeconds: 10,
    })
    expect(Date.now()).toBe(startedMs)
    expect(server.at('/token')).toHaveLength(1)
  })

  it('[REAL-25] passes it on also where the time of the signal runs out in the pause', async () => {
    expect(await abortedInPause(new DOMException('late', 'TimeoutError'))).toMatchObject({
      code: 'ERR_RATE_LIMITED',
      retryAfterSeconds: 10,
    })
  })

  it('[REAL-25] is told apart from a caller who gives up in the pause', async () => {
    expect(await abortedInPause()).toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('[S0-09] tries again where timers are numbers, as on Workers and in browsers', async () => {
    const startTimer = setTimeout
    vi.stubGlobal('setTimeout', (...given: Parameters<typeof setTimeout>) => Number(startTimer(...given)))
    try {
      const { server, client } = onFakeTimers()
      server.script('/token', html503(), tokens())
      const token = client.clientCredentials()
      await vi.runAllTimersAsync()
      expect((await token).accessToken).toBe('issued-access-token')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('keeps the process alive while a caller waits for the next attempt, and no longer', async () => {
    const { server, client } = onFakeTimers()
    await client.ready()
    const others = vi.getTimerCount()
    server.script('/token', rateLimited('7'))
    const startTimer = setTimeout
    const pauses: (NodeJS.Timeout | number)[] = []
    vi.stubGlobal('setTimeout', (run: () => void, ms?: number) => {
      const timer = startTimer(run, ms)
      if (ms === 7000) pauses.push(timer)
      return timer
    })
    try {
      const controller = new AbortController()
      const failure = rejection(client.exchangeToken({ subjectToken: 't' }, { signal: controller.signal }))
      await vi.advanceTimersByTimeAsync(5000)
      // Where timers are numbers, there is no process to keep alive.
      expect(pauses.map((timer) => typeof timer === 'number' || timer.hasRef())).toEqual([true])
      controller.abort()
      expect(await failure).toMatchObject({ code: 'ERR_ABORTED' })
      expect(vi.getTimerCount()).toBe(others)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('[C19] waits for a Retry-After of a minute', async () => {
    const { server, client } = onFakeTimers()
    server.script('/token', rateLimited('60'), tokens())
    const token = client.clientCredentials()
    await vi.runAllTimersAsync()
    expect((await token).accessToken).toBe('issued-access-token')
  })

  it('gives the call its time with discovery', async () => {
    const { server, client } = onFakeTimers()
    server.script('/.well-known/oauth-authorization-server', silent())
    const failure = rejection(client.revoke('t', { totalTimeoutMs: 500 }))
    await vi.advanceTimersByTimeAsync(500)
    expect(await failure).toMatchObject({ code: 'ERR_TIMEOUT', operation: 'revoke' })
  })

  it('waits at most 30 s between attempts', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { server, client, events } = onFakeTimers({
      retry: { maxRetries: 7 },
      breaker: false,
      totalTimeoutMs: 600_000,
    })
    server.script('/token', reset())
    const failure = rejection(client.clientCredentials())
    await vi.runAllTimersAsync()
    await failure
    expect(events.flatMap((event) => (event.type === 'client.retry' ? [event.delayMs] : []))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ])
  })

  it('[S4-20] [C19] waits as long as Retry-After demands', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { server, client, events } = onFakeTimers()
    server.script('/token', rateLimited('20'), tokens())
    const token = client.clientCredentials()
    await vi.runAllTimersAsync()
    expect((await token).accessToken).toBe('issued-access-token')
    expect(events).toContainEqual(expect.objectContaining({ type: 'client.retry', delayMs: 20_000 }))
  })

  it('[C19] does not wait for a Retry-After beyond a minute, or beyond the time of the call', async () => {
    const { server, client } = onFakeTimers()
    server.script('/token', rateLimited('61'))
    expect(await rejection(client.clientCredentials())).toMatchObject({
      code: 'ERR_RATE_LIMITED',
      retryAfterMs: 61_000,
    })
    expect(server.at('/token')).toHaveLength(1)

    const short = onFakeTimers({ totalTimeoutMs: 10_000 })
    short.server.script('/token', rateLimited('10'))
    expect(await rejection(short.client.clientCredentials())).toMatchObject({ code: 'ERR_RATE_LIMITED' })
    expect(short.server.at('/token')).toHaveLength(1)
  })

  it('[S0-08] gives an attempt 30 s and the call 120 s', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { server, client, events } = onFakeTimers({ retry: { maxRetries: 10 }, breaker: false })
    await client.ready()
    server.script('/token', silent())
    let ended = false
    const failure = rejection(client.clientCredentials()).finally(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(119_999)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await failure).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(server.at('/token')).toHaveLength(4)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'client.attempt', durationMs: 30_000, code: 'ERR_TIMEOUT', attempt: 1 }),
    )
  })
})

describe('the time of a call', () => {
  it('[REAL-44] is measured by a monotonic clock: setting the system clock back makes no duration negative', async () => {
    let elapsedMs = 5000
    const { server, client, events, time } = setUpClient({ monotonicClock: () => elapsedMs })
    await client.ready()
    server.script('/token', (request, signal) => {
      elapsedMs += 250
      time.nowMs -= 3_600_000
      return tokens()(request, signal)
    })
    await client.clientCredentials()
    expect(events.at(-1)).toMatchObject({ type: 'client.attempt', operation: 'clientCredentials', durationMs: 250 })
  })

  it('[REAL-44] is limited by a monotonic clock: setting the system clock forward ends no call', async () => {
    const { server, client, time } = setUpClient({ monotonicClock: () => 5000, retry: quickRetry })
    await client.ready()
    server.script(
      '/token',
      (request, signal) => {
        time.nowMs += 3_600_000
        return rateLimited('0')(request, signal)
      },
      tokens(),
    )
    expect(await client.clientCredentials()).toMatchObject({ tokenType: 'Bearer' })
  })
})

describe('what may be repeated', () => {
  const exchange = { subjectToken: 'subject-token' }
  const exchanged = tokens({ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' })

  it.each([
    ['429', rateLimited(), 2],
    ['503', html503(), 2],
    ['500', refusal('server_error', undefined, 500), 1],
    ['a broken connection', reset(), 1],
    ['400', refusal('invalid_grant'), 1],
  ])('[D03] an exchange after %s: %#', async (_name, behaviour, requests) => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', behaviour, exchanged)
    await client.exchangeToken(exchange).catch(() => undefined)
    expect(server.at('/token')).toHaveLength(requests)
  })

  it.each([
    ['a broken connection', reset(), 2],
    ['500', refusal('server_error', undefined, 500), 2],
    ['a refusal', refusal('invalid_scope'), 1],
    ['a malformed answer', plain('{}'), 1],
  ])('[S4-48] client credentials after %s', async (_name, behaviour, requests) => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', behaviour, tokens())
    await client.clientCredentials().catch(() => undefined)
    expect(server.at('/token')).toHaveLength(requests)
  })

  it('nothing with retry: false', async () => {
    const { server, client } = setUpClient({ retry: false })
    server.script('/token', html503(), tokens())
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(server.at('/token')).toHaveLength(1)
  })
})

describe('circuit breaker', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function fail(client: ReturnType<typeof setUpClient>['client'], times: number): Promise<unknown[]> {
    const codes = []
    for (let count = 0; count < times; count += 1) {
      codes.push(((await rejection(client.clientCredentials())) as { code: string }).code)
    }
    return codes
  }

  it('[S4-22] [S4-23] [S4-24] [S4-25] [S4-26] opens after 5 failures, tries once after 30 s, closes on success', async () => {
    const { server, client, events } = setUpClient()
    server.script('/token', html503())
    expect(await fail(client, 5)).toEqual(Array(5).fill('ERR_UNAVAILABLE'))
    expect(client.breakers()).toEqual({ discovery: 'closed', token: 'open' })
    const open = await rejection(client.clientCredentials())
    expect(open).toMatchObject({
      code: 'ERR_CIRCUIT_OPEN',
      name: 'CircuitOpenError',
      retryable: true,
      retryAfterMs: 30_000,
    })
    expect(server.at('/token')).toHaveLength(5)

    vi.setSystemTime(Date.now() + 30_000)
    expect(await fail(client, 2)).toEqual(['ERR_UNAVAILABLE', 'ERR_CIRCUIT_OPEN'])
    expect(server.at('/token')).toHaveLength(6)

    vi.setSystemTime(Date.now() + 30_000)
    server.script('/token', tokens())
    await client.clientCredentials()
    expect(client.breakers().token).toBe('closed')
    const states = events.flatMap((event) => (event.type === 'client.breaker' ? [event.state] : []))
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  it('[REAL-25] tells the time that is left until an open circuit is tried again', async () => {
    const { server, client } = setUpClient()
    server.script('/token', html503())
    await fail(client, 5)
    vi.setSystemTime(Date.now() + 12_000)
    expect(await rejection(client.clientCredentials())).toMatchObject({
      code: 'ERR_CIRCUIT_OPEN',
      retryAfterMs: 18_000,
      operation: 'clientCredentials',
      issuer: server.issuer,
    })
    vi.setSystemTime(Date.now() + 18_000)
    expect(await fail(client, 1)).toEqual(['ERR_UNAVAILABLE'])
    expect(await rejection(client.clientCredentials())).toMatchObject({ retryAfterMs: 30_000 })
  })

  it.each<[string, (controller: AbortController) => void, number]>([
    ['a time limit', (controller) => controller.abort(new DOMException('late', 'TimeoutError')), 10],
    ['a caller that waited long enough', (controller) => controller.abort(), 2000],
  ])('[REAL-25] opens on a hanging endpoint that %s cuts off', async (_name, cut, waitMs) => {
    const { server, client } = setUpClient({ clock: Date.now })
    await client.ready()
    server.script('/token', silent())
    for (let count = 0; count < 5; count += 1) {
      const controller = new AbortController()
      const failure = rejection(client.exchangeToken({ subjectToken: 't' }, { signal: controller.signal }))
      await vi.advanceTimersByTimeAsync(waitMs)
      cut(controller)
      await failure
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(client.breakers().token).toBe('open')
  })

  it('[REAL-25] tells the end of the caller’s time as a timeout', async () => {
    const { server, client } = setUpClient({ clock: Date.now })
    server.script('/introspect', silent())
    const controller = new AbortController()
    const failure = rejection(client.introspect('t', { signal: controller.signal }))
    await vi.advanceTimersByTimeAsync(10)
    controller.abort(new DOMException('late', 'TimeoutError'))
    expect(await failure).toMatchObject({ code: 'ERR_TIMEOUT', name: 'RequestTimeoutError', retryable: true })
  })

  it('[REAL-25] counts neither a caller that went away soon, nor a credential that took its time', async () => {
    const { server, client } = setUpClient({ clock: Date.now, monotonicClock: Date.now })
    await client.ready()
    server.script('/token', silent())
    for (let count = 0; count < 6; count += 1) {
      const controller = new AbortController()
      const failure = rejection(client.exchangeToken({ subjectToken: 't' }, { signal: controller.signal }))
      await vi.advanceTimersByTimeAsync(1999)
      controller.abort()
      await failure
    }
    expect(client.breakers().token).toBe('closed')

    const credential = {
      method: 'none',
      clientId: 'app',
      authenticate: () => new Promise<never>(() => undefined),
    } as const
    const slow = setUpClient({ credential, clock: Date.now })
    for (let count = 0; count < 6; count += 1) {
      const failure = rejection(slow.client.revoke('t'))
      await vi.advanceTimersByTimeAsync(30_000)
      expect(await failure).toMatchObject({ code: 'ERR_TIMEOUT' })
    }
    expect(slow.client.breakers().revocation).toBe('closed')
  })

  it('[S4-24] lets one trial through, however many calls there are', async () => {
    const { server, client } = setUpClient()
    server.script('/token', html503())
    await fail(client, 5)
    vi.setSystemTime(Date.now() + 30_000)
    server.script('/token', html503())
    const params = { subjectToken: 't' }
    const calls = await Promise.all([1, 2, 3].map(() => rejection(client.exchangeToken(params))))
    expect(calls.map((error) => (error as { code: string }).code).sort()).toEqual([
      'ERR_CIRCUIT_OPEN',
      'ERR_CIRCUIT_OPEN',
      'ERR_UNAVAILABLE',
    ])
    const left = calls.filter((error) => (error as { code: string }).code === 'ERR_CIRCUIT_OPEN')
    expect(left).toMatchObject([{ retryAfterMs: 30_000 }, { retryAfterMs: 30_000 }])
    expect(server.at('/token')).toHaveLength(6)
  })

  it('is one per endpoint', async () => {
    const { server, client } = setUpClient()
    server.script('/token', html503())
    server.script('/revoke', plain(''))
    await fail(client, 5)
    await client.revoke('the-token')
    expect(client.breakers()).toMatchObject({ token: 'open', revocation: 'closed' })
  })

  it('[D28] never opens on answers with 4xx, and a refusal ends a run of failures', async () => {
    const { server, client } = setUpClient()
    server.script('/token', refusal('invalid_grant'))
    await fail(client, 10)
    server.script('/token', rateLimited())
    await fail(client, 10)
    server.script('/token', refusal('temporarily_unavailable'))
    await fail(client, 10)
    expect(client.breakers().token).toBe('closed')

    server.script('/token', ...Array(4).fill(html503()), refusal('invalid_scope'), ...Array(4).fill(html503()))
    await fail(client, 9)
    expect(client.breakers().token).toBe('closed')
  })

  it('[S4-21] opens where no connection comes about', async () => {
    const { server, client } = setUpClient()
    server.script('/token', () =>
      Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
    )
    expect(await fail(client, 6)).toEqual([...Array(5).fill('ERR_CONNECTION'), 'ERR_CIRCUIT_OPEN'])
  })

  it('opens on answers with 500, and never on answers that cannot be read', async () => {
    const { server, client } = setUpClient()
    server.script('/token', plain('%%%'))
    await fail(client, 10)
    expect(client.breakers().token).toBe('closed')
    server.script('/token', plain('', 'text/html', 500))
    await fail(client, 5)
    expect(client.breakers().token).toBe('open')
  })

  it('counts no failure of our own credential, and takes none for a successful trial', async () => {
    let broken = true
    const credential = {
      method: 'client_secret_post',
      clientId: 'app',
      authenticate: () => (broken ? Promise.reject(new Error('no key')) : { form: { client_id: 'app' } }),
    } as const
    const { server, client } = setUpClient({ credential })
    expect(await fail(client, 10)).toEqual(Array(10).fill('ERR_CREDENTIAL_UNAVAILABLE'))
    expect(client.breakers().token).toBe('closed')

    broken = false
    server.script('/token', reset())
    await fail(client, 5)
    vi.setSystemTime(Date.now() + 30_000)
    broken = true
    expect(await fail(client, 2)).toEqual(['ERR_CREDENTIAL_UNAVAILABLE', 'ERR_CIRCUIT_OPEN'])
  })

  it('[S4-21] takes its settings, and can be left out', async () => {
    const { server, client } = setUpClient({ breaker: { failureThreshold: 1, resetTimeoutMs: 1000 } })
    server.script('/token', html503())
    expect(await fail(client, 2)).toEqual(['ERR_UNAVAILABLE', 'ERR_CIRCUIT_OPEN'])
    const without = setUpClient({ breaker: false })
    without.server.script('/token', html503())
    expect(await fail(without.client, 7)).toEqual(Array(7).fill('ERR_UNAVAILABLE'))
    expect(without.client.breakers()).toEqual({})
  })

  it('ends the repetitions of a call as soon as it opens', async () => {
    vi.useRealTimers()
    const { server, client } = setUpClient({ retry: { ...quickRetry, maxRetries: 10 } })
    server.script('/token', html503())
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    expect(server.at('/token')).toHaveLength(5)
  })
})

describe('giving up', () => {
  it('[S2-11] aborts the request under way', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/introspect', silent())
    const controller = new AbortController()
    const call = rejection(client.introspect('the-token', { signal: controller.signal }))
    await expect.poll(() => server.at('/introspect').length).toBe(1)
    controller.abort()
    expect(await call).toMatchObject({ code: 'ERR_ABORTED', retryable: false })
    expect(server.at('/introspect')).toHaveLength(1)
  })

  it('sends nothing for a call that was aborted before', async () => {
    const { server, client } = setUpClient()
    await expect(client.introspect('t', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const registration = restoreRegistration({
      issuer: server.issuer,
      raw: { client_id: 'a', registration_client_uri: 'https://as.example/r', registration_access_token: 't' },
    })
    const read = client.readRegistration(registration, { signal: AbortSignal.abort() })
    await expect(read).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(server.requests).toHaveLength(0)
  })

  it('[S2-11] sends nothing once its registration is loaded, where it was aborted meanwhile', async () => {
    let loaded = (_stored: object): void => undefined
    const load = () => new Promise<never>((resolve) => (loaded = resolve as never))
    const registration = { auto: true, metadata: {}, store: { load, save: () => undefined } } as const
    const { server, client, events } = setUpClient({ credential: undefined, registration })
    await client.ready()
    const controller = new AbortController()
    const failure = rejection(client.revoke('t', { signal: controller.signal }))
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    expect(await failure).toMatchObject({ code: 'ERR_ABORTED' })
    loaded({ issuer: 'https://as.example', raw: { client_id: 'app', client_secret: 'secret' } })
    await vi.waitFor(() => expect(client.clientId).toBe('app'), { timeout: 30_000 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.at('/revoke')).toHaveLength(0)
    const attempts = events.filter((event) => event.type === 'client.attempt' && event.operation === 'revoke')
    expect(attempts).toMatchObject([{ code: 'ERR_ABORTED', status: undefined }])
  })

  it('[S0-47] takes a time limit per call', async () => {
    const { server, client } = setUpClient()
    server.script('/introspect', silent())
    await expect(client.introspect('t', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('[S1-22] [S0-02] close() aborts what is under way and refuses what comes after', async () => {
    const { server, client } = setUpClient()
    server.script('/introspect', silent())
    const call = rejection(client.introspect('the-token'))
    await expect.poll(() => server.at('/introspect').length).toBe(1)
    await client[Symbol.asyncDispose]()
    expect(await call).toMatchObject({ code: 'ERR_ABORTED' })
    await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    const registration = {
      issuer: server.issuer,
      raw: { client_id: 'a', registration_client_uri: 'https://as.example/r', registration_access_token: 't' },
    }
    const read = client.readRegistration(restoreRegistration(registration))
    await expect(read).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })
})
