import fc from 'fast-check'
import { requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { introspectingServer } from '../support/introspecting-server.js'

const memberNames = [
  'active',
  'aud',
  'iss',
  'sub',
  'client_id',
  'exp',
  'nbf',
  'iat',
  'jti',
  'scope',
  'cnf',
  'token_type',
  'act',
  'may_act',
  'authorization_details',
  'token_introspection',
  'events',
  '__proto__',
  'constructor',
] as const

/** Objects that look like answers, with anything in their members. */
const answers = fc.dictionary(fc.constantFrom(...memberNames), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 12 })

describe('introspection fed with junk', () => {
  it('[INTR-02] [E-13] is never surprised by an answer, and lets in none without active: true', async () => {
    const { issuer, call } = introspectingServer({ introspection: { cacheSeconds: 0, negativeCacheSeconds: 0 } })
    const judge = async (body: string, active: boolean) => {
      issuer.override('introspection', { kind: 'answer', body })
      const result = await call('opaque')
      if (result.ok) expect(active).toBe(true)
      else expect([401, 503]).toContain(result.answer.status)
    }
    await fc.assert(fc.asyncProperty(answers, (answer) => judge(JSON.stringify(answer), answer['active'] === true)))
    await fc.assert(
      fc.asyncProperty(answers, (answer) => judge(JSON.stringify({ sub: 'x', ...answer, active: true }), true)),
    )
    await fc.assert(fc.asyncProperty(fc.string(), (text) => judge(text, false)))
  })

  it('[INTR-08] [E-13] is never surprised by a signed answer', async () => {
    const { issuer, call } = introspectingServer({
      introspection: { signedResponse: true, cacheSeconds: 0, negativeCacheSeconds: 0 },
    })
    const key = issuer.signingKey()
    const header = { typ: 'token-introspection+jwt', alg: key.algorithm, kid: key.kid }
    const headers = { 'content-type': 'application/token-introspection+jwt' }
    const answer = (body: string) => issuer.override('introspection', { kind: 'answer', headers, body })
    await fc.assert(
      fc.asyncProperty(answers, async (payload) => {
        answer(signCompact({ header, payload, key }))
        const result = await call('opaque')
        expect(result.ok || result.answer.status).toBe(503)
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        answer(text)
        const result = await call('opaque')
        expect(result.ok || result.answer.status).toBe(503)
      }),
    )
  })

  it('[LOGO-02] answers 400 to any logout token but a right one', async () => {
    const { issuer, server } = introspectingServer({ issuer: { logoutAudience: 'api' } })
    const key = issuer.signingKey()
    const header = { typ: 'logout+jwt', alg: key.algorithm, kid: key.kid }
    const send = async (token: unknown) =>
      (await server.backchannelLogout(requestFacts({ method: 'POST', formBody: { logout_token: token } }))).status
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (token) => {
        expect(await send(token)).toBe(400)
      }),
    )
    await fc.assert(
      fc.asyncProperty(answers, async (claims) => {
        expect(await send(signCompact({ header, payload: { ...claims, iss: issuer.issuer, aud: 'api' }, key }))).toBe(
          400,
        )
      }),
    )
  })
})
