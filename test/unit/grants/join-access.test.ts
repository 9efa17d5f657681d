import { createResourceServer, withGrants } from 'portcullis'
import { createGrantGuard, keepAccess } from 'portcullis/adapter'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../support/fake-token-endpoint.js'
import { calendar, caller, exchanged, mail, setUpGrants } from '../../support/grants-set-up.js'

const server = createResourceServer({ resource: 'https://api.example', issuer: 'https://as.example' })
const third = 'https://third.example/'

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
