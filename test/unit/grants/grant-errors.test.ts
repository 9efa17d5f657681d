import { inspect } from 'node:util'
import {
  AccessDeniedError,
  createResourceServer,
  type ExchangeCallOptions,
  InternalError,
  InvalidTokenError,
  ResourceAccessError,
  StepUpRequiredError,
} from 'portcullis'
import { OAuthClientError, OAuthResponseError, readChallenges, readStepUp } from 'portcullis/client'
import { describe, expect, it, vi } from 'vitest'
import { describeFailure, toGrantError, UnusableTokenError } from '../../../src/grants/grant-errors.js'
import { FetchFailure } from '../../../src/kit/fetch/fetch-failure.js'
import {
  answer,
  type Behaviour,
  html503,
  plain,
  rateLimited,
  refusal,
  reset,
  silent,
} from '../../support/fake-token-endpoint.js'
import { calendar, caller, exchanged, failureOf, setUpGrants, tokenOf } from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const apiServer = createResourceServer({ resource: 'https://api.example', issuer: 'https://as.example' })

function failing(behaviour: Behaviour, options: Parameters<typeof setUpGrants>[0] = {}) {
  const setUp = setUpGrants(options)
  setUp.server.script('/token', behaviour)
  return { setUp, failure: failureOf(setUp, alice, calendar) }
}

describe('a refused exchange', () => {
  it.each(['invalid_target', 'invalid_request', 'invalid_scope', 'unauthorized_client', 'odd'])(
    '[REAL-27] [TX-07] [TX-14] [C-25] is 502 when the server says %s: this service is not allowed',
    async (reason) => {
      const error = await failing(refusal(reason)).failure
      expect(error).toBeInstanceOf(ResourceAccessError)
      expect(error).toMatchObject({ status: 502, code: 'ERR_GRANT_REFUSED', resource: calendar, reason })
    },
  )

  it('[REAL-27] is 403 without a challenge when the server denies it to this caller', async () => {
    const error = await failing(refusal('access_denied')).failure
    expect(error).toMatchObject({ status: 403, code: 'ERR_GRANT_DENIED', reason: 'access_denied' })
    const { answer } = apiServer.refuse(error)
    expect([answer.status, answer.headers['WWW-Authenticate']]).toEqual([403, undefined])
  })

  it.each([
    ['invalid_grant', undefined],
    ['invalid_grant', 'AADSTS500133: Assertion is not within its valid time range.'],
    ['invalid_token', 'whatever it says'],
    ['invalid_request', 'Invalid token'],
    ['invalid_request', 'subject_token is expired'],
    ['invalid_request', "The 'subject_token' is invalid."],
    ['invalid_request', 'User session not found'],
    ['invalid_request', 'Session not active'],
  ])('[REAL-27] has the caller sign in again when the server says %s: %s', async (reason, description) => {
    const error = await failing(refusal(reason, description)).failure
    expect(error).toBeInstanceOf(InvalidTokenError)
    expect(error).toMatchObject({ status: 401, code: 'ERR_TOKEN_REFUSED', cause: { reason, resource: calendar } })
    const { answer } = apiServer.refuse(error, alice)
    expect(answer.headers['WWW-Authenticate']?.[0]).toContain('Bearer error="invalid_token"')
  })

  it.each([
    'The request is malformed',
    'Parameter subject_token is missing',
    'Unknown requested_token_type',
    'Invalid actor token',
    'Requested audience not available for this token: unknown',
    'token exchange is not supported',
    'Token validation is underway',
  ])('[REAL-27] sends nobody to sign in for invalid_request: %s', async (description) => {
    const error = await failing(refusal('invalid_request', description)).failure
    expect(error).toMatchObject({ status: 502, code: 'ERR_GRANT_REFUSED' })
  })

  it.each<[string, Behaviour, string | undefined]>([
    ['the client', refusal('invalid_client', 'wrong secret'), 'invalid_client'],
    ['the client, in a way of its own', plain('', 'text/plain', 401), undefined],
    ['the kind of grant', refusal('unsupported_grant_type'), 'unsupported_grant_type'],
    ['the type of token', refusal('unsupported_token_type'), 'unsupported_token_type'],
  ])('[REAL-27] is a fault of ours, 500, when the server does not accept %s', async (_name, behaviour, reason) => {
    const error = await failing(behaviour).failure
    expect(error).toMatchObject({ status: 500, code: 'ERR_GRANT_CONFIGURATION', reason })
    expect(error.cause).toBeInstanceOf(OAuthClientError)
    expect(apiServer.refuse(error).answer).toMatchObject({ status: 500, body: '' })
  })

  it('[REAL-27] is a fault of ours, 500, when the client cannot be right', async () => {
    const setUp = setUpGrants()
    setUp.server.metadata = { token_endpoint: undefined }
    const fault = { status: 500, code: 'ERR_GRANT_CONFIGURATION', detail: 'ERR_ENDPOINT_MISSING' }
    expect(await failureOf(setUp, alice, calendar)).toMatchObject(fault)
    await setUp.client[Symbol.asyncDispose]?.()
  })

  it.each(['ERR_CREDENTIAL_UNAVAILABLE', 'ERR_CREDENTIAL_EXPIRED', 'ERR_CLIENT_CLOSED', 'ERR_ABORTED'] as const)(
    '[REAL-27] is 503 when the client says %s: nothing the caller did',
    async (code) => {
      const client = {
        issuer: 'https://as.example',
        clientId: 'x',
        exchangeToken: () => Promise.reject(new OAuthClientError(code)),
      }
      const error = await failureOf(setUpGrants({ client } as never), alice, calendar)
      expect(error).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE', detail: code })
    },
  )

  it('[REAL-27] [REAL-44] tells the words of the server in its event and its cause, secrets masked', async () => {
    const { setUp, failure } = failing(refusal('invalid_grant', 'alice-token is over: eyJhbGciOiJub25lIn0.e30.'), {
      monotonicClock: () => 1,
    })
    const error = await failure
    const words = { error: 'invalid_grant', errorDescription: '[redacted] is over: [redacted]' }
    const told = {
      type: 'grant.failed',
      issuer: 'https://as.example',
      resource: calendar,
      correlationId: alice.correlationId,
      code: 'ERR_TOKEN_REFUSED',
      refused: true,
      remembered: false,
      durationMs: 0,
      detail: 'ERR_INVALID_GRANT',
      ...words,
    }
    expect(setUp.events).toEqual([told])
    expect((error.cause as Error).cause).toMatchObject(words)
    await failureOf(setUp, alice, calendar)
    expect(setUp.events).toEqual([told, { ...told, remembered: true }])
    expect(inspect([setUp.events, error], { depth: 9 })).not.toMatch(/alice-token|eyJ/)
  })

  it.each([
    'interaction_required',
    'login_required',
    'consent_required',
    'account_selection_required',
    'unmet_authentication_requirements',
    'insufficient_user_authentication',
  ])('[TX-14] [STEP-01] becomes a step-up challenge when the server says %s', async (reason) => {
    const error = await failing(refusal(reason)).failure
    expect(error).toBeInstanceOf(StepUpRequiredError)
    expect(error).toMatchObject({ status: 401, oauthError: 'insufficient_user_authentication' })
    expect(error.cause).toMatchObject({ reason, resource: calendar })
  })

  it('[TX-14] [STEP-02] passes on what the server asks for', async () => {
    const asked = { acr_values: 'phr mfa', max_age: 300, scope: 'events:read' }
    const error = await failing(answer({ error: 'interaction_required', ...asked }, 400)).failure
    expect(error).toMatchObject({ demand: { acrValues: ['phr', 'mfa'], maxAgeSeconds: 300, scope: 'events:read' } })
    const { headers } = apiServer.refuse(error).answer
    expect(readStepUp(readChallenges([headers['WWW-Authenticate'] ?? ''].flat()))).toEqual({
      acrValues: ['phr', 'mfa'],
      maxAgeSeconds: 300,
      scope: ['events:read'],
    })
  })

  it.each([
    ['in text', { max_age: '60' }, { maxAgeSeconds: 60 }],
    ['zero', { max_age: 0 }, { maxAgeSeconds: 0 }],
    ['below zero', { max_age: -1 }, {}],
    ['a fraction', { max_age: 1.5 }, {}],
    ['huge', { max_age: 1e21 }, {}],
    ['an array', { acr_values: ['mfa'], scope: ['a'], max_age: [60] }, {}],
    ['a header of its own', { acr_values: 'mfa\r\nSet-Cookie: a=b', scope: 'a\nb' }, {}],
    ['a parameter of its own', { acr_values: 'mfa", error="invalid_token', scope: 'a\\' }, {}],
    ['no ASCII', { acr_values: 'ümläut', scope: '\u202e' }, {}],
    ['longer than any challenge', { acr_values: 'a '.repeat(513), scope: 'x'.repeat(1025) }, {}],
    ['the token of the caller', { acr_values: 'mfa alice-token', scope: 'x-alice-token' }, { acrValues: ['mfa'] }],
    ['a JWT', { acr_values: 'eyJhbGciOiJub25lIn0.e30.', scope: 'a' }, { scope: 'a' }],
  ])('[TX-14] [HTTP-08] passes on nothing that is %s', async (_name, asked, demand) => {
    const error = await failing(answer({ error: 'interaction_required', ...asked }, 400)).failure
    const empty = { acrValues: [], maxAgeSeconds: undefined, scope: undefined }
    expect(error).toMatchObject({ status: 401, demand: { ...empty, ...demand } })
    expect(JSON.stringify(apiServer.refuse(error).answer)).not.toMatch(/alice-token|eyJ|Set-Cookie|invalid_token/)
  })

  it('[TX-14] passes nothing on of a refusal that is no step-up', async () => {
    const error = await failing(answer({ error: 'invalid_target', acr_values: 'mfa' }, 400)).failure
    expect(error).toMatchObject({ status: 502 })
    expect(JSON.stringify(apiServer.refuse(error).answer)).not.toContain('mfa')
  })

  it('[TX-14] [REAL-27] becomes what the application makes of it', async () => {
    const mapRefusal = ({ reason }: ResourceAccessError) =>
      reason === 'invalid_target' || reason === 'consent_required' ? new AccessDeniedError() : undefined
    const statusOf = async (reason: string) => (await failing(refusal(reason), { mapRefusal }).failure).status
    const always = { mapRefusal: () => new AccessDeniedError() }
    for (const reason of ['invalid_grant', 'invalid_client', 'access_denied', 'login_required']) {
      expect((await failing(refusal(reason), always).failure).code, reason).toBe('ERR_CLAIM_REQUIREMENT')
    }
    expect(await Promise.all(['invalid_target', 'consent_required', 'login_required', 'odd'].map(statusOf))).toEqual([
      403, 403, 401, 502,
    ])
    const faulty = () => {
      throw new Error('of the application')
    }
    expect(await failing(refusal('odd'), { mapRefusal: faulty }).failure).toBeInstanceOf(InternalError)
    const promising = (async () => new AccessDeniedError()) as never
    expect(await failing(refusal('odd'), { mapRefusal: promising }).failure).toBeInstanceOf(InternalError)
    const late = Promise.reject(new Error('rejected later'))
    const caught = vi.spyOn(late, 'catch')
    const cause = new TypeError('`mapRefusal` must return an AuthError or undefined, and no promise.')
    for (const wrong of [() => 'text', () => late]) {
      const error = await failing(refusal('odd'), { mapRefusal: wrong as never }).failure
      expect(error).toMatchObject({ callback: 'mapRefusal', cause })
    }
    expect(caught).toHaveBeenCalledOnce()
    const unreachable = failing(reset(), { mapRefusal: () => new AccessDeniedError() })
    expect((await unreachable.failure).status).toBe(503)
  })

  it('[TX-14] demands nothing in particular of a step-up where the client tells nothing of it', () => {
    const error = toGrantError(calendar, new OAuthClientError('ERR_INTERACTION_REQUIRED'), undefined)
    expect(error).toBeInstanceOf(StepUpRequiredError)
    expect(error).toMatchObject({ status: 401, code: 'ERR_STEP_UP_REQUIRED', cause: { resource: calendar } })
    const [challenge] = apiServer.refuse(error).answer.headers['WWW-Authenticate'] ?? []
    expect(challenge).toContain('error="insufficient_user_authentication"')
    expect(challenge).not.toMatch(/acr_values|max_age|scope/)
  })

  it('[E3] is remembered for seconds, each caller with an error of its own', async () => {
    const { setUp, failure } = failing(refusal('invalid_target'))
    const first = await failure
    const second = await failureOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(1)
    expect(second).toMatchObject({ status: 502, reason: 'invalid_target' })
    expect(second).not.toBe(first)
    await failureOf(setUp, caller('bob-token'), calendar)
    expect(setUp.exchanges()).toBe(2)
    setUp.server.script('/token', exchanged())
    setUp.clock.advance(4_999)
    await failureOf(setUp, alice, calendar)
    setUp.clock.advance(1)
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
  })

  it('[E3] is not remembered where the application wants none of it', async () => {
    const { setUp, failure } = failing(refusal('invalid_target'), { refusalSeconds: 0 })
    await failure
    await failureOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(2)
  })
})

describe('what a failure means', () => {
  const client = (code: OAuthClientError['code']) => new OAuthClientError(code)
  const words = (code: OAuthClientError['code'], error: string, errorDescription?: string) =>
    new OAuthResponseError(code, { status: 400, error, errorDescription })
  const foreign = Object.assign(new Error('of nobody'), {
    error: 'access_denied',
    errorDescription: 'token is expired',
  })
  const ours = { code: 'ERR_GRANT_CONFIGURATION', refused: false }
  const refused = { code: 'ERR_GRANT_REFUSED', refused: true }
  const later = { code: 'ERR_GRANT_UNAVAILABLE', refused: false }

  it.each<[unknown, object]>([
    ...(
      [
        ['ERR_CLIENT_ARGUMENT', ours],
        ['ERR_CREDENTIAL_ISSUER', ours],
        ['ERR_ENDPOINT_MISSING', ours],
        ['ERR_INSECURE_URL', ours],
        ['ERR_PRIVATE_ADDRESS', ours],
        ['ERR_DISCOVERY_ISSUER', ours],
        ['ERR_DPOP_PROOF', { ...ours, refused: true }],
        ['ERR_INVALID_CLIENT', { ...ours, refused: true }],
        ['ERR_UNSUPPORTED_GRANT_TYPE', { ...ours, refused: true }],
        ['ERR_UNSUPPORTED_TOKEN_TYPE', { ...ours, refused: true }],
        ['ERR_ISSUED_TOKEN_TYPE', refused],
        ['ERR_DPOP_NOT_BOUND', refused],
        ['ERR_RESPONSE_MALFORMED', { ...refused, refused: false }],
        ['ERR_CREDENTIAL_UNAVAILABLE', later],
        ['ERR_NETWORK', later],
      ] as const
    ).map(([code, meaning]): [unknown, object] => [client(code), { ...meaning, detail: code, error: undefined }]),
    [new UnusableTokenError('odd'), { ...refused, detail: 'odd', error: undefined }],
    [new FetchFailure('timeout'), { ...later, detail: 'timeout', error: undefined }],
    [foreign, { ...later, detail: undefined, error: undefined, errorDescription: undefined }],
    [undefined, { ...later, detail: undefined, error: undefined }],
    [words('ERR_INVALID_SCOPE', 'invalid_scope'), { ...refused, error: 'invalid_scope' }],
    [words('ERR_UNAVAILABLE', 'temporarily_unavailable'), { ...later, error: 'temporarily_unavailable' }],
    [words('ERR_INVALID_TARGET', 'invalid_target', 'token is expired'), { ...refused, error: 'invalid_target' }],
    [words('ERR_INVALID_REQUEST', 'invalid_request'), { ...refused, errorDescription: undefined }],
    [words('ERR_REFUSED', 'access_denied', 'x'), { code: 'ERR_GRANT_DENIED', refused: true, errorDescription: 'x' }],
  ])('[REAL-27] [E3] is told from the error of the client: %s', (thrown, meaning) => {
    expect(describeFailure(thrown)).toMatchObject(meaning)
  })

  it('[REAL-27] keeps the refusal as the cause of what sends the caller to sign in', () => {
    for (const code of ['ERR_INVALID_GRANT', 'ERR_INTERACTION_REQUIRED'] as const) {
      const { cause } = toGrantError(calendar, client(code), undefined)
      expect(cause).toMatchObject({ code: 'ERR_GRANT_REFUSED', status: 502, resource: calendar, detail: code })
    }
  })

  it('[STEP-02] passes on every scope of a step-up', () => {
    const stepUp = { acrValues: [], maxAgeSeconds: undefined, scope: ['a', 'b'] }
    const thrown = new OAuthResponseError('ERR_INTERACTION_REQUIRED', { status: 400, error: 'login_required', stepUp })
    expect(toGrantError(calendar, thrown, undefined)).toMatchObject({ demand: { scope: 'a b' } })
    const none = { ...stepUp, scope: [] }
    const without = new OAuthResponseError('ERR_INTERACTION_REQUIRED', { status: 400, error: 'x', stepUp: none })
    expect(toGrantError(calendar, without, undefined)).toMatchObject({ demand: { scope: undefined } })
  })
})

describe('an exchange that does not come off', () => {
  it.each<[string, Behaviour, number]>([
    ['resets the connection', reset(), 5],
    ['answers with a page and 503', html503(), 5],
    ['says when to come back', html503({ 'retry-after': '17' }), 17],
    ['limits the rate', rateLimited('3'), 3],
    ['says it is unavailable', refusal('temporarily_unavailable', undefined, 503), 5],
  ])(
    '[REAL-27] [TX-14] [E-13] is 503 with Retry-After, and tried again, when the server %s',
    async (_name, behaviour, seconds) => {
      const { setUp, failure } = failing(behaviour)
      expect(await failure).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE', retryAfterSeconds: seconds })
      expect(setUp.events.at(-1)).toMatchObject({ type: 'grant.failed', refused: false })
      setUp.server.script('/token', exchanged())
      expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    },
  )

  it('[TX-14] is 503 when the server is silent for too long, whatever the client would wait', async () => {
    const { setUp, failure } = failing(silent(), { exchangeTimeoutMs: 20 })
    expect(await failure).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE' })
    setUp.server.script('/token', exchanged())
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
  })

  it('[TX-14] is 503 when the client fails in a way of its own, or ignores that time is up', async () => {
    const { client } = setUpGrants()
    const odd = (exchangeToken: () => Promise<never>) =>
      setUpGrants({ exchangeTimeoutMs: 1, client: { issuer: client.issuer, clientId: 'x', exchangeToken } } as never)
    const throwing = odd(() => Promise.reject(new RangeError('odd')))
    expect(await failureOf(throwing, alice, calendar)).toMatchObject({ status: 503, retryAfterSeconds: 5 })
    expect(
      await failureOf(
        odd(() => new Promise(() => {})),
        alice,
        calendar,
      ),
    ).toMatchObject({ status: 503 })
  })

  it('[REAL-25] gives the client less time than the caller has, and passes its Retry-After on', async () => {
    const given: ExchangeCallOptions[] = []
    const limiting = (exchangeTimeoutMs?: number) =>
      setUpGrants({
        exchangeTimeoutMs,
        client: {
          issuer: 'https://as.example',
          clientId: 'x',
          async exchangeToken(_params: object, options: ExchangeCallOptions) {
            given.push(options)
            throw new OAuthClientError('ERR_RATE_LIMITED', { retryAfterMs: 90_001 })
          },
        },
      } as never)
    const limited = { status: 503, code: 'ERR_GRANT_UNAVAILABLE', retryAfterSeconds: 91 }
    expect(await failureOf(limiting(), alice, calendar)).toMatchObject(limited)
    await failureOf(limiting(500), alice, calendar)
    await failureOf(limiting(1), alice, calendar)
    expect(given.map(({ totalTimeoutMs }) => totalTimeoutMs)).toEqual([9900, 450, 1])
  })

  it('[REAL-25] opens the circuit of a hanging token endpoint although the grants give up long before the client', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
    try {
      const setUp = setUpGrants({ exchangeTimeoutMs: 1000, clientOptions: { breaker: { failureThreshold: 3 } } })
      await setUp.client.ready()
      setUp.server.script('/token', silent())
      const ask = async () => {
        const failure = failureOf(setUp, alice, calendar)
        await vi.advanceTimersByTimeAsync(1000)
        return failure
      }
      for (let count = 0; count < 3; count += 1) expect(await ask()).toMatchObject({ status: 503 })
      expect(setUp.client.breakers().token).toBe('open')
      expect(setUp.exchanges()).toBe(3)
      await vi.advanceTimersByTimeAsync(9900)
      expect(await ask()).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE', retryAfterSeconds: 20 })
      expect(setUp.exchanges()).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })

  it('[TX-14] is 502 and tried again when the answer is no answer', async () => {
    const { setUp, failure } = failing(plain('<html>'))
    expect(await failure).toMatchObject({ status: 502, code: 'ERR_GRANT_REFUSED', reason: undefined })
    setUp.server.script('/token', exchanged())
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
  })
})
