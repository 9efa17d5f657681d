import { readFileSync } from 'node:fs'
import { createResourceServer, isPortcullisError, type PortcullisEvent, UnavailableError } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const secret = 'Bearer hunter2 at redis://user:hunter2@10.0.0.7'
const types = ['discovery.failed', 'keys.failed', 'introspection.failed'] as const
type Failed = Extract<PortcullisEvent, { readonly type: (typeof types)[number] }>

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const [, issuerTable = '', introspectionTable = ''] = page
  .slice(page.indexOf('## Reasons in events'), page.indexOf('## ERR_TOKEN_MISSING'))
  .split('| --- | --- |')
const codesIn = (table: string) =>
  [...table.matchAll(/^\| `((?!reason`)[a-z0-9_]+)` \|/gm)].map(([, code]) => code as string)
const issuerCodes = codesIn(issuerTable)
const introspectionCodes = [...issuerCodes, ...codesIn(introspectionTable)]

/** An authorization server that puts secrets and free text wherever it answers, and fails in one way per turn. */
const hostile: readonly (readonly [string, () => Response | Promise<Response>])[] = [
  ['a secret in the body of a 500', () => new Response(secret, { status: 500, statusText: 'hunter2' })],
  ['a secret in a 401', () => new Response(secret, { status: 401, headers: { 'www-authenticate': 'hunter2' } })],
  ['JSON of secrets', () => Response.json({ error: secret, issuer: secret, jwks_uri: secret, active: secret })],
  ['a key set of secrets', () => Response.json({ keys: [secret, { kty: secret, kid: secret }] })],
  ['a media type of secrets', () => new Response('{}', { headers: { 'content-type': 'hunter2/hunter2' } })],
  ['broken JSON', () => new Response(`{"${secret}`, { headers: { 'content-type': 'application/json' } })],
  ['no text', () => new Response(Uint8Array.of(0xff, 0x68), { headers: { 'content-type': 'application/json' } })],
  ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://hunter2.test/' } })],
  ['too much', () => new Response('hunter2'.repeat(200_000))],
  ['an error with a secret', () => Promise.reject(new TypeError(secret, { cause: new Error(secret) }))],
  [
    'an error of ours with a secret',
    () => Promise.reject(new UnavailableError('ERR_ISSUER_UNAVAILABLE', { detail: secret })),
  ],
  ['a thrown string', () => Promise.reject(secret)],
]

/** The failures told of while one opaque token and one JWT are judged. */
async function failuresOf(answer: () => Response | Promise<Response>, isDiscovered: boolean): Promise<Failed[]> {
  const events: PortcullisEvent[] = []
  const issuer = createTestIssuer()
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: {
      issuer: issuer.issuer,
      ...(!isDiscovered && { jwksUri: 'https://issuer.test/keys' }),
      introspection: {
        credential: clientSecretBasic({ clientId: 'client', clientSecret: 'hunter2' }),
        ...(!isDiscovered && { endpoint: 'https://issuer.test/introspect' }),
      },
    },
    fetch: async () => answer(),
    onEvent: (event) => void events.push(event),
  })
  for (const token of ['opaque-hunter2', issuer.mintToken()]) {
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
  }
  return events.filter((event): event is Failed => types.some((type) => type === event.type))
}

describe('a server that answers secrets everywhere', () => {
  it.each(hostile)('[REAL-44] [C-30] leaves only documented codes in the events after %s', async (_, answer) => {
    for (const isDiscovered of [true, false]) {
      const failed = await failuresOf(answer, isDiscovered)
      expect(failed.length).toBeGreaterThan(0)
      for (const event of failed) {
        const isIntrospection = event.type === 'introspection.failed'
        expect(isIntrospection ? introspectionCodes : issuerCodes).toContain(event.reason)
        const { issuer, reason, type, ...rest } = event
        const numbers = { durationMs: expect.any(Number), retryInMs: expect.any(Number) }
        const expected = {
          'keys.failed': { ...numbers, stale: false, trigger: 'first' },
          'discovery.failed': { ...numbers, stale: false },
          'introspection.failed': { durationMs: expect.any(Number) },
        }
        expect(rest).toEqual(expected[type])
      }
      expect(JSON.stringify(failed)).not.toContain('hunter2')
    }
  })

  it('[REAL-44] leaves no text in the event where the schema of the application throws an error of ours', async () => {
    const events: PortcullisEvent[] = []
    const issuer = createTestIssuer()
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: {
        issuer: issuer.issuer,
        introspection: { credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }) },
      },
      claims: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate() {
            throw new UnavailableError('ERR_INTROSPECTION_UNAVAILABLE', { detail: secret })
          },
        },
      },
      fetch: issuer.fetch,
      onEvent: (event) => void events.push(event),
    })
    const token = issuer.mintOpaqueToken()
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    expect(result.ok || isPortcullisError(result.error)).toBe(true)
    expect(events.flatMap((event) => (event.type === 'introspection.failed' ? [event.reason] : []))).toEqual([
      'unexpected',
    ])
  })
})

describe('the documented reasons', () => {
  it('[REAL-44] are the codes of the source, in its order', () => {
    const texts = (path: string) => readFileSync(new URL(`../../src/kit/${path}`, import.meta.url), 'utf8')
    const [, union = ''] =
      /type FetchFailureReason =\n((?: {2}\| '[a-z0-9_]+'\n)+)/.exec(texts('fetch/fetch-failure.ts')) ?? []
    const fetchCodes = [...union.matchAll(/'([a-z0-9_]+)'/g)].map(([, code]) => code)
    const [, list = ''] = /const introspectionReasons = \[([^\]]*)\]/.exec(texts('failure-code.ts')) ?? []
    const ownCodes = [...list.matchAll(/'([a-z0-9_]+)'/g)].map(([, code]) => code)
    expect(issuerCodes).toEqual([...fetchCodes, 'unexpected'])
    expect(introspectionCodes).toEqual([...issuerCodes, ...ownCodes])
  })
})
