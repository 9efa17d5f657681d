import { createResourceServer } from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const issuer = createTestIssuer()
const options = { resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch }

const known = async (name: string) => name !== 'nobody'
const schemas = {
  'zod, sync': z.object({ sub: z.string(), level: z.string().transform(Number) }),
  'zod, async': z.object({
    sub: z.string().refine(known),
    level: z.string().transform(async (level) => Number(level)),
  }),
  'valibot, sync': v.object({ sub: v.string(), level: v.pipe(v.string(), v.transform(Number)) }),
  'valibot, async': v.objectAsync({
    sub: v.pipeAsync(v.string(), v.checkAsync(known)),
    level: v.pipeAsync(
      v.string(),
      v.transformAsync(async (level) => Number(level)),
    ),
  }),
}

describe.each(Object.entries(schemas))('a claims schema of %s', (kind, claims) => {
  const events: unknown[] = []
  const server = createResourceServer({ ...options, claims, onEvent: (event) => events.push(event) })
  const call = (given: Record<string, unknown>) =>
    server.authenticate(requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken(given)}` } }))

  it('gives auth.claims its output, and leaves the rest of auth as it is', async () => {
    const result = await call({ level: '7', scope: 'read', roles: ['r'] })
    if (!result.ok) throw result.error
    expect(result.auth.claims).toEqual({ sub: 'user-1', level: 7 })
    expect(result.auth).toMatchObject({ subject: 'user-1', scopes: ['read'], roles: ['r'], clientId: 'test-client' })
    expect(Object.isFrozen(result.auth.claims)).toBe(true)
  })

  it('refuses a token that fails it as invalid_token, and tells the log the path alone', async () => {
    const failing = kind.endsWith('async') ? [{ level: 5 }, { level: '7', sub: 'nobody' }] : [{ level: 5 }, {}]
    for (const given of failing) {
      const result = await call(given)
      expect(result).toMatchObject({ ok: false, error: { code: 'ERR_TOKEN_CLAIM_INVALID' }, answer: { status: 401 } })
      expect(!result.ok && result.answer.body).not.toMatch(/level|nobody/)
      expect(events.at(-1)).toMatchObject({ detail: expect.stringMatching(/^claims schema: (level|sub)$/) })
    }
  })

  it('is handed to the rules of a route', async () => {
    const guard = server.guard({ claims: (output) => (output as { level: number }).level > 5 })
    const withLevel = (level: string) =>
      guard(requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken({ level })}` } }))
    expect((await withLevel('6')).ok).toBe(true)
    expect(await withLevel('5')).toMatchObject({ ok: false, answer: { status: 403 } })
  })
})

describe('the options of a claims schema', () => {
  it.each([null, {}, 'zod', { '~standard': {} }, { '~standard': null }, { '~standard': { validate: true } }])(
    'are refused for %j, and named',
    (claims) => {
      expect(() => createResourceServer({ ...options, claims: claims as never })).toThrow(
        '`claims` takes a Standard Schema, such as one of zod or valibot.',
      )
    },
  )
})

describe('the path of a failure', () => {
  it('is told of the first five only', async () => {
    const issues = [1, 2, 3, 4, 5, 6].map((path) => ({ message: 'x', path: [path] }))
    const claims = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues }) } }
    const server = createResourceServer({ ...options, claims })
    await expect(server.verify(issuer.mintToken())).rejects.toMatchObject({ detail: 'claims schema: 1, 2, 3, 4, 5' })
  })

  it('names the option where the schema throws', async () => {
    const validate = () => {
      throw new Error('broken')
    }
    const claims = { '~standard': { version: 1 as const, vendor: 'test', validate } }
    const server = createResourceServer({ ...options, claims })
    await expect(server.verify(issuer.mintToken())).rejects.toMatchObject({ status: 500, callback: 'claims' })
  })

  it('is told in the words of any Standard Schema, whatever it is made of', async () => {
    const issues = [{ message: 'x', path: ['a', { key: 'b' }, 0, Symbol('c')] }, { message: 'y' }]
    const claims = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues }) } }
    const details: unknown[] = []
    const server = createResourceServer({
      ...options,
      claims,
      onEvent: (event) => details.push('detail' in event && event.detail),
    })
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken()}` } }))
    expect(details.at(-1)).toBe('claims schema: a.b.0.Symbol(c), ')
  })
})
