import {
  AccessDeniedError,
  createResourceServer,
  type Explanation,
  InvalidTokenError,
  type Requirement,
  ResourceAccessError,
  type ResourceServerOptions,
} from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { insightOf, type Judgement } from '../../../src/resource-server/insight.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const resource = 'https://api.example.com'

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const time = { nowMs: 1000 }
  const server = createResourceServer({
    ...{ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now },
    monotonicClock: () => time.nowMs,
    onEvent: () => {},
    ...options,
  } as ResourceServerOptions)
  const judgements: Judgement[] = []
  const stop = insightOf(server)?.watch((judgement) => judgements.push(judgement))
  const last = () => judgements.at(-1) as Judgement
  const request = (claims: Record<string, unknown> = {}, header: object = {}) =>
    requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken(claims, { header: { ...header } })}` } })
  return { server, judgements, last, request, time, stop }
}

describe('the judgements of a server', () => {
  it('[REAL-40] are told with all that went into them, and how long they took', async () => {
    const { server, last, request, time } = setUp()
    const facts = request()
    const takes = (ms: number) => ({
      allow: () => {
        time.nowMs += ms
        return true
      },
    })
    const admitted = await server.authenticate(facts, takes(7))
    if (!admitted.ok) throw admitted.error
    expect(last()).toMatchObject({
      ...{ phase: 'request', facts, scheme: 'Bearer', resource, issuer: issuer.issuer, durationMs: 7 },
      ...{ token: admitted.auth.token, correlationId: admitted.auth.correlationId },
      ...{ error: undefined, answer: undefined },
    })
    await server.authenticate(facts, takes(-50))
    expect(last().durationMs).toBe(0)
    const refused = await server.authenticate(facts, { scope: 'more' })
    if (refused.ok) throw new Error('unexpected')
    expect(last()).toMatchObject({ scheme: 'Bearer', resource, issuer: undefined, durationMs: 0 })
    expect(last().error).toBe(refused.error)
    expect(last().answer).toBe(refused.answer)
    await server.optionalGuard()(requestFacts())
    expect(last()).toMatchObject({ phase: 'request', resource, token: undefined, scheme: undefined })
    expect((await last().report()).ok).toBe(true)
  })

  it('[REAL-40] are told until nobody watches any more, and by a watcher that fails nothing is changed', async () => {
    const { server, judgements, request, stop } = setUp()
    insightOf(server)?.watch(() => {
      throw new Error('mine')
    })
    expect((await server.authenticate(request())).ok).toBe(true)
    expect(judgements).toHaveLength(1)
    stop?.()
    await server.authenticate(request())
    expect(judgements).toHaveLength(1)
  })

  it('[REAL-40] are not told of servers that are none', () => {
    expect(insightOf({})).toBeUndefined()
  })
})

const comparable = ({ ok, failed, sentence, steps, code, status, resource: its }: Explanation) => ({
  ...{ ok, failed, sentence, code, status, its },
  steps: steps.map((step) => (step.name === 'credentials' ? step.outcome : step)),
})

describe('the report of a judgement', () => {
  const fail = () => {
    throw new Error('mine')
  }
  const schema = { '~standard': { version: 1, vendor: 'test', validate: fail } } as never

  it.each<[string, string | undefined, Requirement, Partial<ResourceServerOptions>, Record<string, unknown>, object]>([
    ['that lets through', undefined, { allow: () => true }, {}, {}, {}],
    ['of `allow` that throws', 'allow', { allow: fail }, {}, {}, {}],
    ['of `allow` that says no', 'allow', { allow: () => false }, {}, {}, {}],
    [
      'of `allow` beside fixed claims',
      'allow',
      { claims: { plan: 'gold' }, allow: () => false },
      {},
      { plan: 'gold' },
      {},
    ],
    ['of fixed claims beside `allow`', 'claim_rules', { claims: { plan: 'gold' }, allow: () => true }, {}, {}, {}],
    ['of the function `claims` that throws', 'claim_rules', { claims: fail }, {}, {}, {}],
    ['of the function `claims` that says no', 'claim_rules', { claims: () => false }, {}, {}, {}],
    ['of the function `claims` beside `allow`', 'claim_rules', { claims: () => false, allow: () => true }, {}, {}, {}],
    ['of a schema that throws', 'schema', { claims: { plan: 'gold' } }, { claims: schema }, {}, {}],
    ['of a signature beside `allow`', 'key', { allow: () => true }, {}, {}, { kid: 'unknown' }],
    ['of a token that is revoked', 'revocation', { allow: () => true }, { isRevoked: () => true }, {}, {}],
  ])('[REAL-40] says what a rehearsal says: %s', async (_name, failed, requirement, options, claims, header) => {
    const { server, last, request } = setUp(options)
    const facts = request(claims, header)
    await server.authenticate(facts, requirement)
    const report = await last().report()
    expect(report.failed).toBe(failed)
    expect(comparable(report)).toEqual(comparable(await server.explain(facts, requirement)))
    const [credentials] = report.steps
    expect(credentials).toMatchObject({ outcome: 'passed', expected: ['header'], received: 'Bearer' })
  })

  it('[REAL-40] of a request without a usable token ends with its credentials', async () => {
    const { server, last } = setUp()
    await server.authenticate(requestFacts())
    const report = await last().report()
    expect(report).toMatchObject({ failed: 'credentials', code: 'ERR_TOKEN_MISSING', status: 401 })
    expect(report.steps[0]).toMatchObject({ expected: ['header'], received: 'no usable token' })
  })

  it('[REAL-40] has no steps where the error came up behind the guard', async () => {
    const { server, last } = setUp()
    const auth = await server.verify(issuer.mintToken())
    server.refuse(new ResourceAccessError('https://files.example', 'ERR_GRANT_REFUSED'), auth)
    expect(last()).toMatchObject({ phase: 'check', facts: undefined, token: auth.token, durationMs: undefined })
    expect(await last().report()).toEqual({
      ...{ ok: false, failed: undefined, steps: [], code: 'ERR_GRANT_REFUSED', status: 502, resource },
      sentence: expect.stringMatching(/^The authorization server refused a downstream token/),
    })
    server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'), auth)
    expect(await last().report()).toMatchObject({ failed: 'revocation', code: 'ERR_TOKEN_REVOKED' })
    server.refuse(new AccessDeniedError(), auth)
    expect(await last().report()).toMatchObject({ failed: 'claim_rules', code: 'ERR_CLAIM_REQUIREMENT' })
    server.refuse(new ResourceAccessError('https://files.example', 'ERR_GRANT_REFUSED'))
    expect(await last().report()).toMatchObject({ failed: 'credentials', code: 'ERR_GRANT_REFUSED' })
  })

  it('[REAL-40] behind the guard looks at the token for its sentence', async () => {
    const { server, last } = setUp()
    const auth = await server.verify(issuer.mintToken())
    server.refuse(new InvalidTokenError('ERR_TOKEN_KEY_UNKNOWN'), auth)
    expect((await last().report()).sentence).toContain(`The issuer "${issuer.issuer}" publishes no key`)
  })
})
