import {
  AccessDeniedError,
  createResourceServer,
  InternalError,
  type PortcullisEvent,
  type Refused,
  type Requirement,
  type ResourceServerOptions,
} from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer()
afterAll(() => issuer.close())

const secret = 'password=hunter2 at db.internal'

class DriverError extends Error {
  override readonly name = 'DriverError'
}

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource: 'https://api.test',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    onEvent: (event) => events.push(event),
    ...options,
  } as ResourceServerOptions)
  const request = () => requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken()}` } })
  return { server, events, call: (requirement?: Requirement) => server.authenticate(request(), requirement) }
}

function fail(): never {
  throw new DriverError(secret)
}

describe('a fault of the application', () => {
  it.each([
    ['allow', {}, { allow: fail }],
    ['allow', {}, { allow: async () => fail() }],
    ['claims', {}, { claims: fail }],
    ['claims', {}, { claims: { sub: fail } }],
    ['claims', { claims: { '~standard': { version: 1, vendor: 'test', validate: fail } } }, {}],
    ['tenants', { issuer: () => ({}), tenants: { has: fail } }, {}],
  ] as const)('[REAL-26] in `%s` is told, with its cause and an event', async (callback, options, requirement) => {
    const { call, events } = setUp(options as never)
    const refused = (await call(requirement as never)) as Refused
    expect(refused).toMatchObject({ ok: false, fault: true, answer: { status: 500, body: '' } })
    expect(refused.error).toBeInstanceOf(InternalError)
    expect(refused.error.cause).toBeInstanceOf(DriverError)
    const { correlationId } = refused.error
    expect(correlationId).toMatch(/^[0-9a-f-]{36}$/)
    expect(events).toContainEqual({ type: 'application.failed', callback, errorName: 'DriverError', correlationId })
    expect(JSON.stringify([events, refused.error])).not.toContain('hunter2')
  })

  it.each([
    ['isRevoked', { isRevoked: fail }],
    ['issuer', { issuer: fail, tenants: [issuer.issuer] }],
  ] as const)('[REAL-26] in `%s`, which may be an outage, is 503 and told', async (callback, options) => {
    const { call, events } = setUp(options as never)
    expect(await call()).toMatchObject({
      fault: false,
      answer: { status: 503 },
      error: { cause: new DriverError(secret) },
    })
    expect(events).toContainEqual(expect.objectContaining({ type: 'application.failed', callback }))
  })

  it('[REAL-26] is told apart from a refusal', async () => {
    const { call, events, server } = setUp()
    expect(await call({ scope: 'write' })).toMatchObject({ fault: false, error: { status: 403 } })
    const denied = () => {
      throw new AccessDeniedError()
    }
    expect(await call({ allow: denied })).toMatchObject({ fault: false, error: { status: 403 } })
    expect(events.filter(({ type }) => type === 'application.failed')).toEqual([])
    expect(server.refuse(new Error('a bug'))).toMatchObject({ fault: true, error: { cause: new Error('a bug') } })
  })
})
