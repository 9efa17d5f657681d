import { inspect } from 'node:util'
import { LoginDeniedError, LoginTimeoutError, type OAuthClientOptions } from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { answer, type Behaviour, html503, refusal, reset, tokens } from '../../../support/fake-token-endpoint.js'
import { idTokenClaims, setUpLogin, signIdToken } from '../../../support/login-set-up.js'

const grant = 'urn:ietf:params:oauth:grant-type:device_code'
const pending = refusal('authorization_pending')
const device = {
  device_code: 'CANARY-device',
  user_code: 'WDJB-MJHT',
  verification_uri: 'https://as.example/device',
  expires_in: 600,
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A device login under way, and the times at which it asked, in seconds. */
async function setUp(members: object, answers: readonly Behaviour[], options: Partial<OAuthClientOptions> = {}) {
  let nowMs = 0
  const asked: number[] = []
  const login = setUpLogin({ monotonicClock: () => nowMs, breaker: false, ...options })
  const { server, client } = login
  server.script('/device', answer({ ...device, ...members }))
  const [last] = answers.slice(-1) as [Behaviour]
  let next = 0
  server.script('/token', (request, signal) => {
    asked.push(nowMs / 1000)
    const behaviour = answers[next] ?? last
    next += 1
    return behaviour(request, signal)
  })
  const code = await client.deviceAuthorization({ scope: 'read' })
  async function run<T>(promise: Promise<T>): Promise<T> {
    let done = false
    const over = promise.finally(() => {
      done = true
    })
    over.catch(() => {})
    while (!done) {
      // Whatever the answer needs, then one second.
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
      if (done) break
      nowMs += 1000
      await vi.advanceTimersByTimeAsync(1000)
    }
    return over
  }
  return { ...login, code, asked, run }
}

describe('a login on another device', () => {
  it('asks at its pace also where the code is good for longer than a timer can be', async () => {
    const { code, asked, run } = await setUp({ expires_in: 30 * 24 * 3600 }, [pending, tokens()])
    expect((await run(code.poll())).tokens.accessToken).toBe('issued-access-token')
    expect(asked).toEqual([5, 10])
  })

  it('[S1-09] [S4-45] tells the user the code, and asks at the pace of the server until the tokens come', async () => {
    const { server, code, asked, run } = await setUp({ interval: 7 }, [pending, pending, tokens()])
    expect(code).toMatchObject({
      userCode: 'WDJB-MJHT',
      verificationUri: 'https://as.example/device',
      verificationUriComplete: undefined,
      expiresAt: 1_800_000_600,
      intervalSeconds: 7,
    })
    const { tokens: issued, claims } = await run(code.poll())
    expect(issued).toMatchObject({ accessToken: 'issued-access-token', scope: ['read'] })
    expect(claims).toBeUndefined()
    expect(asked).toEqual([7, 14, 21])
    expect(Object.fromEntries(server.at('/token')[0]?.form ?? [])).toEqual({
      grant_type: grant,
      device_code: 'CANARY-device',
    })
    expect(inspect(code, { showHidden: true }) + JSON.stringify(code)).not.toContain('CANARY')
    expect(code.deviceCode).toBe('CANARY-device')
  })

  it.each([{}, { interval: 0 }, { interval: 'x' }])(
    'asks every 5 s where the server says nothing of use: %j',
    async (members) => {
      const { asked, code, run } = await setUp(members, [pending, tokens()])
      await run(code.poll())
      expect(asked).toEqual([5, 10])
    },
  )

  it('adds 5 s for good after each slow_down', async () => {
    const { asked, code, run } = await setUp({ interval: 5 }, [
      refusal('slow_down'),
      pending,
      refusal('slow_down'),
      tokens(),
    ])
    await run(code.poll())
    expect(asked).toEqual([5, 15, 25, 40])
  })

  it('[F6] goes on after 429, 5xx and a broken connection, each time later, up to a minute, until the server answers', async () => {
    const trouble = [
      answer({ error: 'slow_down' }, 429, { 'retry-after': '30' }),
      html503(),
      answer({ error: 'server_error' }, 503),
      reset(),
      pending,
      tokens(),
    ]
    const { asked, code, run } = await setUp({ interval: 5 }, trouble)
    await run(code.poll())
    expect(asked).toEqual([5, 35, 95, 155, 215, 220])
  })

  it('ends when the time of the code is up, whatever the server says', async () => {
    const { asked, code, run } = await setUp({ interval: 5, expires_in: 17 }, [pending])
    const error = await run(rejection(code.poll()))
    expect(error).toBeInstanceOf(LoginTimeoutError)
    expect(error).toMatchObject({ code: 'ERR_LOGIN_TIMEOUT', operation: 'deviceAuthorization' })
    expect(asked).toEqual([5, 10, 15])
  })

  it.each([
    ['expired_token', LoginTimeoutError, 'ERR_LOGIN_TIMEOUT'],
    ['access_denied', LoginDeniedError, 'ERR_LOGIN_DENIED'],
    ['invalid_grant', Error, 'ERR_INVALID_GRANT'],
  ])('ends with %s', async (error, Class, code) => {
    const { code: login, run } = await setUp({}, [refusal(error, 'because')])
    const failure = await run(rejection(login.poll()))
    expect(failure).toBeInstanceOf(Class)
    expect(failure).toMatchObject({ code })
  })

  it('asks nothing when the time of the code is just up', async () => {
    const { asked, code, run } = await setUp({ interval: 5, expires_in: 15 }, [pending])
    expect(await run(rejection(code.poll()))).toMatchObject({ code: 'ERR_LOGIN_TIMEOUT' })
    expect(asked).toEqual([5, 10])
  })

  it('[S4-49] tells of whom it was refused, in what call, and why', async () => {
    const { client, run, code } = await setUp({}, [refusal('access_denied', 'not today')])
    expect(await run(rejection(code.poll()))).toMatchObject({
      ...{ operation: 'deviceAuthorization', issuer: 'https://as.example' },
      ...{ error: 'access_denied', errorDescription: 'not today' },
    })
    const named = await client.deviceAuthorization({ scope: 'read' }, { correlationId: 'mine' })
    expect(await run(rejection(named.poll()))).toMatchObject({ correlationId: 'mine' })
  })

  it('is given up while a question is under way, which ends', async () => {
    let ask = (_signal: AbortSignal): void => undefined
    const asking = new Promise<AbortSignal>((resolve) => {
      ask = resolve
    })
    const hanging: Behaviour = (_request, signal) => {
      ask(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const { code, run } = await setUp({}, [hanging])
    const controller = new AbortController()
    const polling = rejection(code.poll({ signal: controller.signal }))
    const asked = await run(asking)
    controller.abort()
    expect(await polling).toMatchObject({ code: 'ERR_ABORTED' })
    expect(asked.aborted).toBe(true)
  })

  it('leaves the pace to the server, also where the client repeats other calls', async () => {
    const retry = { maxRetries: 3, initialDelayMs: 1, maxDelayMs: 1 }
    const { asked, code, run, events } = await setUp({ interval: 5 }, [refusal('slow_down', '', 429), tokens()], {
      retry,
    })
    await run(code.poll())
    expect(asked).toEqual([5, 15])
    expect(events.filter(({ type }) => type === 'client.retry')).toEqual([])
  })

  it('[RI-02] names the one resource again, and none of several', async () => {
    const { server, client, run } = await setUp({}, [tokens()])
    for (const resource of [['https://api.example/'], ['https://api.example/', 'https://files.example/']]) {
      await run((await client.deviceAuthorization({ scope: 'read', resource })).poll())
    }
    expect(server.at('/token').map(({ form }) => form.getAll('resource'))).toEqual([['https://api.example/'], []])
  })

  it('ends when it is given up, at once', async () => {
    const { code, asked, run } = await setUp({}, [pending])
    const controller = new AbortController()
    const polling = rejection(code.poll({ signal: controller.signal }))
    controller.abort()
    expect(await run(polling)).toMatchObject({ code: 'ERR_ABORTED' })
    expect(asked).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('throws what is no error of the client as it is mapped', async () => {
    const { code, run } = await setUp({}, [answer({ access_token: 7, token_type: 'Bearer' })])
    expect(await run(rejection(code.poll()))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
  })

  it('verifies the ID token where openid was asked for', async () => {
    const { server, client, run } = await setUp({}, [tokens({ id_token: signIdToken(idTokenClaims()) })])
    const code = await client.deviceAuthorization({
      scope: 'openid',
      resource: 'https://api.example/',
      audience: 'orders',
    })
    const { claims, tokens: issued } = await run(code.poll())
    expect(claims?.sub).toBe('alice')
    expect(issued.idToken).toBeDefined()
    expect(server.at('/device')[1]?.form.get('resource')).toBe('https://api.example/')
    expect(server.at('/device')[1]?.form.get('audience')).toBe('orders')
    expect(server.at('/token')[0]?.form.get('resource')).toBe('https://api.example/')
  })

  it('begins no login that could not be verified in the end', async () => {
    const { server, client } = await setUp({}, [pending])
    server.script('/jwks', html503())
    expect(await rejection(client.deviceAuthorization({ scope: 'openid' }))).toMatchObject({
      code: 'ERR_DISCOVERY_UNAVAILABLE',
    })
    expect(server.at('/device')).toHaveLength(1)
  })

  it.each([
    ['a code that moves the cursor', { user_code: '\u001b[2Jx' }],
    ['a code that moves the cursor at its end', { user_code: 'WDJB\u001b[2J' }],
    ['a code of 129 characters', { user_code: 'W'.repeat(129) }],
    ['a code that is no text', { user_code: 7 }],
    ['no code', { user_code: undefined }],
    ['a page that is no web page', { verification_uri: 'file:///etc/passwd' }],
    ['a page over http', { verification_uri: 'http://as.example/device' }],
    ['a second page that is none', { verification_uri_complete: 'javascript:alert(1)' }],
    ['a page that is no text', { verification_uri_complete: 7 }],
    ['no end', { expires_in: undefined }],
  ])('is refused with %s', async (_name, members) => {
    const { server, client } = setUpLogin()
    server.script('/device', answer({ ...device, ...members }))
    expect(await rejection(client.deviceAuthorization({}))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
  })

  it('gives the page with the code in it', async () => {
    const complete = 'https://as.example/device?user_code=WDJB-MJHT'
    const { code } = await setUp({ verification_uri_complete: complete }, [pending])
    expect(code.verificationUriComplete).toBe(complete)
  })
})
