import { AccessDeniedError, InternalError, ResourceAccessError, StepUpRequiredError } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { createRefusalMemory } from '../../../src/exchange/refusal-memory.js'
import {
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

function failing(behaviour: Behaviour, options: Parameters<typeof setUpGrants>[0] = {}) {
  const setUp = setUpGrants(options)
  setUp.server.script('/token', behaviour)
  return { setUp, failure: failureOf(setUp, alice, calendar) }
}

describe('a refused exchange', () => {
  it.each([
    'invalid_target',
    'invalid_request',
    'invalid_grant',
    'invalid_token',
    'invalid_client',
    'invalid_scope',
    'odd',
  ])('[TX-07] [TX-14] [C-25] is 502, never 401, when the server says %s', async (reason) => {
    const error = await failing(refusal(reason)).failure
    expect(error).toBeInstanceOf(ResourceAccessError)
    expect(error).toMatchObject({ status: 502, code: 'ERR_GRANT_REFUSED', resource: calendar, reason })
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

  it('[TX-14] becomes what the application makes of it', async () => {
    const mapRefusal = ({ reason }: ResourceAccessError) =>
      reason === 'invalid_target' || reason === 'consent_required' ? new AccessDeniedError() : undefined
    const statusOf = async (reason: string) => (await failing(refusal(reason), { mapRefusal }).failure).status
    expect(await Promise.all(['invalid_target', 'consent_required', 'login_required', 'odd'].map(statusOf))).toEqual([
      403, 403, 401, 502,
    ])
    const faulty = () => {
      throw new Error('of the application')
    }
    expect(await failing(refusal('odd'), { mapRefusal: faulty }).failure).toBeInstanceOf(InternalError)
    const unreachable = failing(reset(), { mapRefusal: () => new AccessDeniedError() })
    expect((await unreachable.failure).status).toBe(503)
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

  it('[E3] is remembered for a bounded number of callers', () => {
    const memory = createRefusalMemory(5000, () => 0)
    for (let index = 0; index <= 1000; index += 1) memory.add(`caller-${index}`, new Error())
    expect(memory.get('caller-1000')).toBeInstanceOf(Error)
    expect(memory.get('caller-0')).toBeUndefined()
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
    '[TX-14] [E-13] is 503 with Retry-After, and tried again, when the server %s',
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

  it('[TX-14] is 502 and tried again when the answer is no answer', async () => {
    const { setUp, failure } = failing(plain('<html>'))
    expect(await failure).toMatchObject({ status: 502, code: 'ERR_GRANT_REFUSED', reason: undefined })
    setUp.server.script('/token', exchanged())
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
  })
})
