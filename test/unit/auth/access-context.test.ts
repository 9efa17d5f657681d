import { inspect } from 'node:util'
import { createResourceServer, type Grant, InternalError, ResourceAccessError, withGrants } from 'portcullis'
import { createGrantGuard, keepAccess } from 'portcullis/adapter'
import { describe, expect, it } from 'vitest'
import { AccessContext, AccessGrant, joinAccess } from '../../../src/auth/access-context.js'
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

describe('AccessGrant', () => {
  const token = (accessToken: string, expiresAt?: number) => ({
    ...{ accessToken, expiresAt, tokenType: 'Bearer' as const, scope: [], issuedTokenType: 'x' },
  })
  const settings = { resource: calendar, fetchWith: () => fetch, clock: () => 1000 }

  it('[D24] gives the token at hand, and another one in the place of one that was rejected', async () => {
    let count = 0
    const grant = new AccessGrant({ ...settings, acquire: () => token(`t${++count}`) })
    const first = grant.acquire()
    expect(first).toMatchObject({ accessToken: 't1' })
    expect([grant.acquire(), grant.acquire(token('other')), count]).toEqual([first, first, 1])
    expect(grant.acquire(token('t1'))).toMatchObject({ accessToken: 't2' })
    expect(grant.acquire(token('t1'))).toMatchObject({ accessToken: 't2' })
    expect([count, grant.cameOff, grant.error]).toEqual([2, true, undefined])
  })

  it('[D24] hands no token out from the second of its expiry on', () => {
    const at = (expiresAt: number | undefined) => {
      const grant = new AccessGrant({ ...settings, acquire: () => token('t', expiresAt) })
      void grant.acquire()
      return grant.token?.accessToken
    }
    expect([at(undefined), at(1.001), at(1), at(0)]).toEqual(['t', 't', undefined, undefined])
  })

  it('[S3-13] throws at once, or tells, what was thrown at once', () => {
    const refused = new ResourceAccessError(calendar, 'ERR_GRANT_DENIED')
    const fail = (thrown: Error) => () => {
      throw thrown
    }
    const grant = new AccessGrant({ ...settings, acquire: fail(refused) })
    expect(() => grant.acquire()).toThrow(refused)
    expect([grant.attempt(), grant.error, grant.cameOff]).toEqual([refused, refused, false])
    const broken = new AccessGrant({ ...settings, acquire: fail(new Error('bug')) })
    expect(broken.attempt()).toBeInstanceOf(InternalError)
    expect(new AccessGrant({ ...settings, acquire: () => token('t') }).attempt()).toBeUndefined()
  })

  it('[S3-13] has a fetch that gets its token through the grant, and rejects where that fails', async () => {
    let acquire: ((rejected?: ReturnType<typeof token>) => Promise<unknown>) | undefined
    const fetchWith: typeof settings.fetchWith = (given?: typeof acquire) => {
      acquire = given
      return fetch
    }
    const asked: unknown[] = []
    const grant = new AccessGrant({
      ...settings,
      fetchWith: fetchWith as never,
      acquire: (rejected) => {
        asked.push(rejected?.accessToken)
        if (rejected !== undefined) throw new Error('bug')
        return token('t')
      },
    })
    grant.fetch()
    expect(await acquire?.()).toMatchObject({ accessToken: 't' })
    await expect(acquire?.(token('t'))).rejects.toBeInstanceOf(InternalError)
    expect(asked).toEqual([undefined, 't'])
  })

  it('[S3-13] says why there is no token', async () => {
    const declared = new AccessContext([new AccessGrant({ ...settings, acquire: () => token('t') })])
    const detailOf = (access: AccessContext, resource: string) => {
      try {
        return access.token(resource)
      } catch (error) {
        return (error as ResourceAccessError).detail
      }
    }
    expect(detailOf(declared, calendar)).toBe('not acquired, or expired: await access.acquire(resource) first')
    expect(detailOf(declared, mail)).toBe('not declared')
    expect(detailOf(new AccessContext(), mail)).toBe('the route declares no grant')
    expect(new AccessContext().declared).toEqual([])
  })

  it('[S3-08] joins what was declared in two places, and nothing where one of them is empty', () => {
    const grant = (resource: string) => new AccessGrant({ ...settings, resource, acquire: () => token(resource) })
    const [earlier, later] = [new AccessContext([grant(calendar), grant(mail)]), new AccessContext([grant(mail)])]
    const none = new AccessContext()
    expect(joinAccess(earlier, later).declared).toEqual([calendar, mail])
    expect([joinAccess(none, later), joinAccess(earlier, none)]).toEqual([later, earlier])
    expect(joinAccess(none, later)).toBe(later)
    expect(joinAccess(earlier, none)).toBe(earlier)
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
    expect(keepAccess(undefined, router)).toBeUndefined()
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
