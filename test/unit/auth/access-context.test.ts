import { inspect } from 'node:util'
import { createResourceServer, type Grant, InternalError, ResourceAccessError, withGrants } from 'portcullis'
import { createGrantGuard, keepAccess } from 'portcullis/adapter'
import { describe, expect, it } from 'vitest'
import { AccessContext, AccessGrant } from '../../../src/auth/access-context.js'
import { refusal } from '../../support/fake-token-endpoint.js'
import { calendar, caller, exchanged, mail, setUpGrants } from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const third = 'https://third.example/'

/** Mail is refused, everything else comes off. */
function mailRefused() {
  const setUp = setUpGrants()
  const good = exchanged()
  setUp.server.script('/token', (request, signal) =>
    request.form.get('resource') === mail ? refusal('invalid_target')(request, signal) : good(request, signal),
  )
  return setUp
}

const optional = (resource: string): Grant => ({ resource, mode: 'optional' })
const lazy = (resource: string): Grant => ({ resource, mode: 'lazy' })

describe('AccessContext', () => {
  it('[S3-10] [S3-11] [S3-12] [S3-13] [S3-14] tells what came off and what did not', async () => {
    const { grants } = mailRefused()
    const { access, failure } = await grants.prepare([optional(mail), calendar, optional(third)])(alice)
    expect(failure).toBeUndefined()
    expect(access.status).toBe('partial_error')
    expect([access.succeeded, access.failed]).toEqual([[calendar, third], [mail]])
    expect([access.has(calendar), access.has(mail), access.has('https://unknown.example/')]).toEqual([
      true,
      false,
      false,
    ])
    expect(access.token(calendar)).toContain('alice-token')
    expect(() => access.token(mail)).toThrow(access.errors.get(mail))
    expect(access.errors.get(mail)).toMatchObject({
      code: 'ERR_GRANT_REFUSED',
      reason: 'invalid_target',
      resource: mail,
    })
    ;(access.errors as Map<string, unknown>).clear()
    expect(access.errors.size).toBe(1)
  })

  it('[S3-14] is a success with all, or none to try, and an error without any', async () => {
    const { grants } = mailRefused()
    const statusOf = async (...declared: Grant[]) => (await grants.prepare(declared)(alice)).access.status
    expect(await statusOf()).toBe('success')
    expect(await statusOf(calendar)).toBe('success')
    expect(await statusOf(lazy(mail))).toBe('success')
    expect(await statusOf(optional(mail))).toBe('error')
  })

  it('[S3-10] names the first required grant that failed as the failure, whatever else failed', async () => {
    const { grants } = mailRefused()
    const { failure, access } = await grants.prepare([calendar, optional(third), mail])(alice)
    expect(failure).toBe(access.errors.get(mail))
    expect(access.succeeded).toEqual([calendar, third])
  })

  it('[S3-13] refuses what was not declared', async () => {
    const { grants } = setUpGrants()
    const { access } = await grants.prepare([calendar])(alice)
    const missing = { code: 'ERR_GRANT_MISSING', status: 500, resource: mail }
    expect(() => access.token(mail)).toThrow(ResourceAccessError)
    expect(() => access.fetch(mail)).toThrow(ResourceAccessError)
    await expect(access.acquire(mail)).rejects.toMatchObject(missing)
    expect(access.status).toBe('success')
  })

  it('[S3-07] leaves a lazy grant alone until the handler wants it', async () => {
    const setUp = mailRefused()
    const { access } = await setUp.grants.prepare([lazy(calendar), lazy(mail)])(alice)
    expect([setUp.exchanges(), access.has(calendar)]).toEqual([0, false])
    expect(() => access.token(calendar)).toThrow(ResourceAccessError)
    const token = await access.acquire(calendar)
    expect(token).toMatchObject({ tokenType: 'Bearer', scope: [] })
    expect(access.token(calendar)).toBe(token.accessToken)
    await expect(access.acquire(mail)).rejects.toThrow(ResourceAccessError)
    expect([access.status, access.failed]).toEqual(['partial_error', [mail]])
  })

  it('[D08] [D24] hands out no token beyond its time, and gets another one', async () => {
    const setUp = setUpGrants()
    const { access } = await setUp.grants.prepare([calendar])(alice)
    const first = await access.acquire(calendar)
    expect(await access.acquire(calendar)).toBe(first)
    setUp.clock.advance(3_600_000)
    expect(() => access.token(calendar)).toThrow(ResourceAccessError)
    expect([access.has(calendar), access.succeeded]).toEqual([false, []])
    expect((await access.acquire(calendar)).accessToken).toMatch(/#2$/)
    setUp.clock.advance(3_600_000)
    setUp.server.script('/token', refusal('invalid_grant'))
    await expect(access.acquire(calendar)).rejects.toMatchObject({ code: 'ERR_TOKEN_REFUSED' })
    expect([access.status, access.has(calendar)]).toEqual(['error', false])
    setUp.clock.advance(5_000)
    setUp.server.script('/token', exchanged())
    await access.acquire(calendar)
    expect(access.status).toBe('success')
  })

  it('[D27] shows no token in any inspection', async () => {
    const { grants } = setUpGrants()
    const { access } = await grants.prepare([calendar])(alice)
    const shown = [access, await access.acquire(calendar), alice.withAccess(access)]
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain('alice-token')
    expect(JSON.stringify(shown)).not.toContain('alice-token')
  })

  it('turns what should not have been thrown into an InternalError', async () => {
    const acquire = () => Promise.reject(new Error('bug'))
    const grant = new AccessGrant({ resource: calendar, acquire, fetchWith: () => fetch, clock: Date.now })
    expect(await grant.attempt()).toBeInstanceOf(InternalError)
  })
})

describe('auth.access', () => {
  it('[S3-15] is an AccessContext, whether a route has grants, none, or shares them with its router', async () => {
    const { grants } = setUpGrants()
    const { access } = await grants.prepare([calendar])(alice)
    const router = alice.withAccess(access)
    const both = await withGrants(grants, router, [mail], (auth) => auth.access)
    for (const one of [alice.access, access, router.access, both]) expect(one).toBeInstanceOf(AccessContext)
    expect(both.declared).toEqual([calendar, mail])
  })
})

describe('the access of a route without grants', () => {
  it('[S3-13] holds nothing and refuses everything', async () => {
    const { access } = alice
    expect([access.status, access.succeeded, access.failed, access.errors.size]).toEqual(['success', [], [], 0])
    expect(access.has(calendar)).toBe(false)
    expect(() => access.token(calendar)).toThrow(ResourceAccessError)
    expect(() => access.fetch(calendar)).toThrow(ResourceAccessError)
    await expect(access.acquire(calendar)).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' })
    ;(access.errors as Map<string, unknown>).set('x', 'y')
    expect(access.errors.size).toBe(0)
  })
})

const server = createResourceServer({ resource: 'https://api.example', issuer: 'https://as.example' })

/** A caller with grants of two steps; the exchange for mail is refused. */
async function inTwoSteps() {
  const { grants, server: token } = setUpGrants()
  const good = exchanged()
  token.script('/token', (request, signal) =>
    request.form.get('resource') === mail ? refusal('invalid_target')(request, signal) : good(request, signal),
  )
  const optional = [calendar, { resource: mail, mode: 'optional' as const }]
  const first = await createGrantGuard(server, grants, optional)(caller('alice-token'))
  const lazy = { resource: calendar, mode: 'lazy' as const }
  const second = await createGrantGuard(server, grants, [lazy, third])(first.ok ? first.auth : undefined)
  if (!second.ok) throw second.error
  return second.auth.access
}

describe('grants declared in two places', () => {
  it('[S3-08] [S3-14] are all there for the handler', async () => {
    const access = await inTwoSteps()
    expect(access.declared).toEqual([mail, calendar, third])
    expect([access.succeeded, access.failed, access.status]).toEqual([[third], [mail], 'partial_error'])
    expect([...access.errors.keys()]).toEqual([mail])
    expect(() => access.token(mail)).toThrow(access.errors.get(mail))
    expect([access.has(third), access.has(calendar), access.has(mail)]).toEqual([true, false, false])
    expect(access.token(third)).toContain('alice-token')
    expect(() => access.token('https://unknown.example/')).toThrow(/No token/)
  })

  it('[S3-14] are told of the later one where both declare a resource', async () => {
    const access = await inTwoSteps()
    expect(() => access.token(calendar)).toThrow(/No token/)
    expect((await access.acquire(calendar)).accessToken).toContain('alice-token')
    expect(access.succeeded).toEqual([calendar, third])
    expect(access.fetch(calendar)).toBeTypeOf('function')
  })

  it.each(['success', 'error'])('[S3-14] are a %s as a whole', async (status) => {
    const { grants, server: token } = setUpGrants()
    if (status === 'error') token.script('/token', refusal('invalid_target'))
    const step = (resource: string) => createGrantGuard(server, grants, [{ resource, mode: 'optional' }])
    const first = await step(calendar)(caller('alice-token'))
    const second = await step(mail)(first.ok ? first.auth : undefined)
    expect(second.ok && second.auth.access.status).toBe(status)
  })
})

describe('a guard behind the grants of a router', () => {
  const granted = async (token: string, resource: string) => {
    const result = await createGrantGuard(server, setUpGrants().grants, [resource])(caller(token))
    if (!result.ok) throw result.error
    return result.auth
  }

  it('[REAL-24] keeps what they brought', async () => {
    const router = await granted('alice-token', calendar)
    const route = keepAccess(caller('alice-token'), router)
    expect(route.access.token(calendar)).toContain('alice-token')
    const both = keepAccess(await granted('alice-token', mail), router)
    expect(both.access.declared).toEqual([calendar, mail])
    expect([both.access.token(calendar), both.access.token(mail)]).toEqual([
      expect.stringContaining(calendar),
      expect.stringContaining(mail),
    ])
  })

  it('[REAL-24] takes nothing over from another caller, another issuer, or what is no auth of ours', async () => {
    const router = await granted('alice-token', calendar)
    const bob = caller('bob-token')
    expect(keepAccess(bob, router)).toBe(bob)
    const stranger = caller('alice-token', { issuer: 'https://other.example' })
    expect(keepAccess(stranger, router)).toBe(stranger)
    const alice = caller('alice-token')
    for (const earlier of [undefined, null, { token: 'alice-token' }, caller('alice-token')]) {
      expect(keepAccess(alice, earlier)).toBe(alice)
    }
  })

  it('[REAL-24] is not needed for work with grants of its own', async () => {
    const { grants } = setUpGrants()
    const router = await granted('alice-token', calendar)
    const declared = await withGrants(grants, router, [mail], ({ access }) => access.declared)
    expect(declared).toEqual([calendar, mail])
  })
})
