import { createResourceServer, type Requirement } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { parseChallenge } from '../support/parse-challenges.js'

const issuedAt = 1646340200
/** The claims of §6.1; those of §6.2 say the same. */
const claims = {
  sub: 'someone@example.net',
  exp: 1646343000,
  iat: issuedAt,
  jti: 'e1j3V_bKic8-LAEB_lccD0G',
  client_id: 's6BhdRkqt3',
  scope: 'purchase',
  auth_time: 1646340198,
  acr: 'myACR',
}
let now = issuedAt * 1000
const resource = 'https://rs.example.com'
const clock = () => now
const issuer = createTestIssuer({ issuer: 'https://as.example.net', audience: resource, clock })
const server = createResourceServer({
  resource,
  issuer: {
    issuer: issuer.issuer,
    clockToleranceSeconds: 0,
    introspection: { credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }) },
  },
  fetch: issuer.fetch,
  clock,
})
afterAll(() => issuer.close())

const kinds = [
  ['a JWT (§6.1)', (overrides: object) => issuer.mintToken({ ...claims, ...overrides })],
  ['an opaque token (§6.2)', (overrides: object) => issuer.mintOpaqueToken({ ...claims, ...overrides })],
] as const

describe.each(kinds)('RFC 9470 with %s', (_kind, mint) => {
  async function call(requirement: Requirement, overrides: object = {}, secondsLater = 0) {
    now = (issuedAt + secondsLater) * 1000
    const request = requestFacts({ headers: { authorization: `Bearer ${mint(overrides)}` } })
    const result = await server.authenticate(request, requirement)
    if (result.ok) return 'accepted'
    const [first = ''] = [result.answer.headers['WWW-Authenticate'] ?? ''].flat()
    const { scheme, parameters } = parseChallenge(first)
    return { status: result.answer.status, scheme, ...Object.fromEntries(parameters) }
  }
  const challenged = { status: 401, scheme: 'Bearer', error: 'insufficient_user_authentication' }

  it('[STEP-03] [STEP-05] accepts the acr of the example', async () => {
    expect(await call({ acr: 'myACR' })).toBe('accepted')
    expect(await call({ acr: ['other', 'myACR'] })).toBe('accepted')
  })

  it('[STEP-01] [STEP-02] asks for acr_values as in the first figure of §3', async () => {
    expect(await call({ acr: 'myACR' }, { acr: 'other' })).toMatchObject({ ...challenged, acr_values: 'myACR' })
    expect(await call({ acr: 'myACR' }, { acr: undefined })).toMatchObject({ ...challenged, acr_values: 'myACR' })
    expect(await call({ acr: 'myACR' }, { acr: ['myACR'] })).not.toBe('accepted')
  })

  it('[STEP-01] [STEP-02] [STEP-04] asks for max_age as in the second figure of §3', async () => {
    expect(await call({ maxAgeSeconds: 5 }, {}, 3)).toBe('accepted')
    expect(await call({ maxAgeSeconds: 5 }, {}, 4)).toMatchObject({ ...challenged, max_age: '5' })
    expect(await call({ maxAgeSeconds: 5 }, { auth_time: undefined })).toMatchObject({ ...challenged, max_age: '5' })
  })

  it('[STEP-02] [C-27] asks for all that lacks at once', async () => {
    const requirement = { acr: ['gold', 'silver'], maxAgeSeconds: 0, scope: 'purchase refund' }
    expect(await call(requirement)).toMatchObject({
      ...challenged,
      acr_values: 'gold silver',
      max_age: '0',
      scope: 'purchase refund',
    })
  })

  it('[STEP-06] tells an expired token nothing of it', async () => {
    const refused = await call({ acr: 'gold' }, {}, 2800)
    expect(refused).toMatchObject({ status: 401, error: 'invalid_token' })
    expect(refused).not.toHaveProperty('acr_values')
  })
})
