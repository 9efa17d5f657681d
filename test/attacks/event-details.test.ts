import { AccessDeniedError, createResourceServer, InvalidTokenError, type PortcullisEvent } from 'portcullis'
import { createDpopClient, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const resource = 'https://api.example.com'
const canary = 'c4n4ry'
const issuer = createTestIssuer({ audience: resource })
afterAll(() => issuer.close())
const client = createDpopClient()
const bound = () => issuer.mintToken({ cnf: { jkt: client.jkt } })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const wide = `${canary}-${'x'.repeat(5000)}`

/** Requests with secrets in every place that a refusal may be about. */
const requests: readonly (readonly [string, Record<string, string>])[] = [
  ['an opaque token', bearer(canary)],
  ['a scheme of its own', { authorization: `Basic ${canary}` }],
  ['a broken JWT', bearer(`eyJhbGciOiJub25lIn0.${canary}.${canary}`)],
  ['characters that no token has', bearer(`${canary}"%20`)],
  ['a huge token', bearer(wide.repeat(5))],
  ['a signature of another', bearer(issuer.mintToken().replace(/[^.]+$/, canary))],
  ['a claim of the wrong type', bearer(issuer.mintToken({ jti: [canary] }))],
  ['a date that is text', bearer(issuer.mintToken({ exp: canary }))],
  ['a confirmation that is unknown', bearer(issuer.mintToken({ cnf: { [canary]: canary } }))],
  ['an issuer', bearer(issuer.mintToken({ iss: `https://${canary}.test` }))],
  ['an audience', bearer(issuer.mintToken({ aud: canary }))],
  ['a key name', bearer(issuer.mintToken({}, { header: { kid: canary } }))],
  ['a type', bearer(issuer.mintToken({}, { header: { typ: canary } }))],
  ['an algorithm', bearer(issuer.mintToken({}, { header: { alg: canary } }))],
  ['a critical header', bearer(issuer.mintToken({}, { header: { crit: [canary] } }))],
  ['a proof that is none', { authorization: `DPoP ${bound()}`, dpop: canary }],
  ['a proof for another address', client.headers({ url: `${resource}/${canary}`, accessToken: bound() })],
  ['a proof for another method', client.headers({ url: `${resource}/`, method: canary, accessToken: bound() })],
]

function setUp() {
  const events: PortcullisEvent[] = []
  const onEvent = (event: PortcullisEvent) => void events.push(event)
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, onEvent })
  return { server, refusals: () => events.filter((event) => event.type === 'auth.refused') }
}

describe('the detail of a refusal in events', () => {
  it.each(requests)('[REAL-44] [C-30] repeats nothing of a request with %s', async (_place, headers) => {
    const { server, refusals } = setUp()
    expect((await server.authenticate(requestFacts({ url: '/', headers }))).ok).toBe(false)
    expect(refusals()).toHaveLength(1)
    expect(JSON.stringify(refusals())).not.toContain(canary)
  })

  it('[REAL-44] is cut, escaped and without tokens where the application wrote it', async () => {
    const token = issuer.mintToken()
    const { server, refusals } = setUp()
    const facts = requestFacts({ headers: bearer(token) })
    for (const detail of ['x'.repeat(5000), `for ${token}`, 'a\n\u202eb']) {
      const thrown = [
        new InvalidTokenError('ERR_TOKEN_REVOKED', { detail }),
        new AccessDeniedError('ERR_CLAIM_REQUIREMENT', { detail }),
      ]
      for (const error of thrown) {
        await server.authenticate(facts, {
          allow: () => {
            throw error
          },
        })
      }
    }
    expect(refusals().map(({ detail }) => detail)).toEqual([
      ...Array.from({ length: 2 }, () => `${'x'.repeat(200)}…`),
      ...Array.from({ length: 2 }, () => 'for (masked)'),
      ...Array.from({ length: 2 }, () => 'a\\u{a}\\u{202e}b'),
    ])
  })
})
