import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { createResourceServer, type Requirement, type ResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'

const resources = ['https://api.example.com/a', 'https://api.example.com/b'] as const

const claims = fc.record(
  {
    aud: fc.constantFrom<unknown>(resources[0], resources, resources, resources, 'https://other.test'),
    scope: fc.constantFrom('', 'read', 'read write', 'admin'),
    acr: fc.constantFrom('pwd', 'mfa'),
    authAge: fc.constantFrom(0, 100, 1000),
    sub: fc.constantFrom('user-1', 'user-2', 'user-3', 'user-3', 'refused-by-schema'),
    notBefore: fc.constantFrom(-100, -100, -5000, 30, 200),
    lifetime: fc.constantFrom(60, 300, 5000, 20_000, 20_000),
    sid: fc.constantFrom('s1', 's2'),
    org: fc.constantFrom('acme', 'evil'),
  },
  { requiredKeys: ['aud'] },
)

const requirements: readonly Requirement<never>[] = resources.flatMap((resource) => [
  { resource },
  { resource, scope: 'read' },
  { resource, scope: { any: ['write', { all: ['admin', 'read'] }] } },
  { resource, acr: 'mfa', maxAgeSeconds: 300 },
  { resource, claims: { org: 'acme' } },
])

type Step =
  | { readonly kind: 'mint'; readonly claims: Record<string, unknown>; readonly issuer: 0 | 1 }
  | { readonly kind: 'present'; readonly token: number; readonly requirement: number }
  | { readonly kind: 'advance'; readonly seconds: number }
  | { readonly kind: 'rotate'; readonly overlap: boolean; readonly issuer: 0 | 1 }
  | { readonly kind: 'outage'; readonly isDown: boolean; readonly issuer: 0 | 1 }
  | { readonly kind: 'invalidate' }
  | { readonly kind: 'withdraw'; readonly issuer: 0 | 1 }
  | { readonly kind: 'revoke'; readonly sub: string; readonly issuer: 0 | 1 }
  | { readonly kind: 'tenant'; readonly isTrusted: boolean; readonly issuer: 0 | 1 }

const mostly = (value: boolean) => fc.constantFrom(value, value, !value)
const issuerIndex = fc.constantFrom<0 | 1>(0, 1)
const present = fc.record({
  kind: fc.constant('present' as const),
  token: fc.nat(4),
  requirement: fc.oneof(fc.constantFrom(0, 5), fc.nat(9)),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 24, arbitrary: present },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('mint' as const), claims, issuer: issuerIndex }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      seconds: fc.constantFrom(0.5, 1, 30, 61, 299, 360, 3300, 3601, 8000, -1, -70, -400),
    }),
  },
  fc.record({ kind: fc.constant('rotate' as const), overlap: mostly(true), issuer: issuerIndex }),
  fc.record({ kind: fc.constant('outage' as const), isDown: mostly(false), issuer: issuerIndex }),
  fc.constant<Step>({ kind: 'invalidate' }),
  fc.record({ kind: fc.constant('withdraw' as const), issuer: issuerIndex }),
  fc.record({ kind: fc.constant('revoke' as const), sub: fc.constantFrom('user-1', 'user-2'), issuer: issuerIndex }),
  fc.record({ kind: fc.constant('tenant' as const), isTrusted: mostly(true), issuer: issuerIndex }),
)

const schema = z.looseObject({ sub: z.string().refine(async (sub) => sub !== 'refused-by-schema') })

function createWorld(seen: Map<string, number>) {
  const clock = createFrozenClock()
  const issuers = ['one', 'two'].map((name) => createTestIssuer({ issuer: `https://${name}.test`, clock: clock.now }))
  const tenants = new Set(issuers.map(({ issuer }) => issuer))
  const create = (tokenCacheEntries: number) =>
    createResourceServer({
      resource: resources,
      issuer: () => ({ keyCache: { staleIfErrorSeconds: 600 } }),
      tenants,
      claims: schema,
      tokenCacheEntries,
      clock: clock.now,
      fetch: async (url, init) => {
        const owner = issuers.find(({ issuer }) => url.startsWith(`${issuer}/`))
        if (owner === undefined) throw new TypeError('fetch failed')
        return owner.fetch(url, init)
      },
    })
  const servers = [create(1000), create(4), create(0)]
  const tokens: string[] = []

  async function take(one: Step): Promise<void> {
    switch (one.kind) {
      case 'mint': {
        const { authAge, notBefore, lifetime, ...rest } = one.claims as Record<string, number>
        const now = clock.now() / 1000
        const dates = { auth_time: now - (authAge ?? 0), nbf: now + (notBefore ?? 0) }
        const minted = issuers[one.issuer]?.mintToken({ ...dates, ...rest }, { lifetimeSeconds: lifetime ?? 300 })
        tokens.push(minted as string)
        break
      }
      case 'present':
        return presentToAll(one.token, one.requirement)
      case 'advance':
        clock.advance(one.seconds * 1000)
        break
      case 'rotate':
        issuers[one.issuer]?.rotateKeys({ overlap: one.overlap })
        break
      case 'outage':
        if (one.isDown) issuers[one.issuer]?.override('jwks', { kind: 'down' })
        else issuers[one.issuer]?.restore('jwks')
        break
      case 'withdraw':
        issuers[one.issuer]?.rotateKeys({ overlap: false })
        for (const server of servers) server.invalidate(issuers[one.issuer]?.issuer)
        break
      case 'invalidate':
        for (const server of servers) server.invalidate()
        break
      case 'revoke': {
        const issuer = issuers[one.issuer]?.issuer as string
        if (tenants.has(issuer)) await Promise.all(servers.map((server) => server.revoke({ issuer, sub: one.sub })))
        break
      }
      case 'tenant': {
        const issuer = issuers[one.issuer]?.issuer as string
        if (one.isTrusted) tenants.add(issuer)
        else tenants.delete(issuer)
      }
    }
  }

  async function presentToAll(token: number, requirement: number): Promise<void> {
    const presented = tokens[token % Math.max(tokens.length, 1)]
    if (presented === undefined) return
    const demanded = requirements[requirement % requirements.length] as Requirement<never>
    const answers = []
    for (const server of servers) answers.push(await answerOf(server as never, presented, demanded))
    // Background refreshes land before the next step, for all servers alike.
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    const [first, ...others] = answers
    const code = first?.code ?? 'ok'
    seen.set(code, (seen.get(code) ?? 0) + 1)
    for (const other of others) expect(other).toEqual(first)
  }

  return { take, close: () => Promise.all(issuers.map((issuer) => issuer.close())) }
}

async function answerOf(server: ResourceServer<never>, token: string, requirement: Requirement<never>) {
  const facts = requestFacts({ headers: { authorization: `Bearer ${token}` } })
  const result = await server.authenticate(facts, requirement)
  if (!result.ok) return { code: result.error.code, answer: result.answer }
  return { auth: { ...result.auth }, headers: result.headers, token: result.auth.token }
}

describe('remembered tokens', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('[JWT-02] [AT-05] [JWKS-07] are answered as unknown ones are, for any tokens, clocks, rotations, outages, revocations, tenants and requirements', async () => {
    // The jitter of refreshes must be one and the same for all servers.
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const good = { aud: resources, scope: 'read write', sub: 'user-3', notBefore: -5000, lifetime: 20_000 }
    const first: readonly Step[] = ([0, 1] as const).map((issuer) => ({ kind: 'mint', claims: good, issuer }))
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const world = createWorld(seen)
        try {
          for (const one of [...first, ...steps]) await world.take(one)
        } finally {
          await world.close()
        }
      }),
      { numRuns: 50 },
    )
    expect(seen.get('ok')).toBeGreaterThan(30)
    expect(seen.size).toBeGreaterThan(6)
  })
})
