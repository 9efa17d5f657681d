import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { type DiagnoseTokenOptions, diagnoseToken, type TokenDiagnosis } from '../../../src/explain/diagnose-token.js'
import { algorithmTraits, type SignatureAlgorithm } from '../../../src/jws/algorithms.js'
import type { JsonObject } from '../../../src/kit/json.js'
import { createTestIssuer, type TestIssuer } from '../../../src/testing/index.js'
import { createCertificate } from '../../support/certificates.js'

const nowMs = 1_800_000_000_000
const clock = () => nowMs
const audience = 'https://api.test'
const open: TestIssuer[] = []

function newIssuer(...algorithms: SignatureAlgorithm[]): TestIssuer {
  const [first = 'ES256', ...others] = algorithms
  const issuer = createTestIssuer({ clock, audience, algorithms: [first, ...others] })
  open.push(issuer)
  return issuer
}

afterEach(async () => {
  for (const issuer of open.splice(0)) await issuer.close()
})

function diagnose(issuer: TestIssuer, token: string, options: DiagnoseTokenOptions = {}): Promise<TokenDiagnosis> {
  const expected = { expectedIssuer: issuer.issuer, expectedAudience: audience }
  return diagnoseToken(token, { ...expected, fetch: issuer.fetch, clock, ...options })
}

const idClaims = { aud: 'my-app', azp: 'my-app', nonce: 'n', client_id: undefined, scope: undefined }

function mintIdToken(issuer: TestIssuer, claims = {}): string {
  return issuer.mintToken({ ...idClaims, ...claims }, { header: { typ: 'JWT' } })
}

function sentenceOf({ failed, sentence, steps }: TokenDiagnosis): string {
  expect(failed).toBeDefined()
  const at = steps.findIndex(({ name }) => name === failed)
  expect(steps.slice(0, at).map(({ outcome }) => outcome)).not.toContain('failed')
  expect(steps.slice(at + 1).every(({ outcome }) => outcome === 'skipped')).toBe(true)
  return sentence as string
}

const stepNames = [
  'decode_structure',
  'discover_issuer',
  'fetch_jwks',
  'extract_public_key',
  'verify_signature',
  'validate_claims',
]

describe('diagnoseToken', () => {
  it('[S1-50] [S1-51] [S1-58] [S1-59] [S1-69] passes a good access token in six named steps', async () => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, ` ${issuer.mintToken()}\n`)
    expect(report).toMatchObject({ ok: true, kind: 'access_token', conclusive: true, failed: undefined })
    expect(report.steps.map(({ name }) => name)).toEqual(stepNames)
    expect(report.steps.every(({ outcome }) => outcome === 'passed')).toBe(true)
    expect(Object.keys(report.durationsMs)).toEqual(stepNames)
    expect(report.warnings).toEqual([])
  })

  it('[S1-51] judges an ID token as one', async () => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, mintIdToken(issuer), { kind: 'id_token', expectedAudience: 'my-app' })
    expect(report).toMatchObject({ ok: true, kind: 'id_token', warnings: [] })
    const untied = await diagnose(issuer, mintIdToken(issuer, { nonce: undefined }), {
      kind: 'id_token',
      expectedAudience: 'my-app',
    })
    expect(untied.ok).toBe(true)
    expect(untied.warnings.join()).toContain('no `nonce`')
  })

  it.each([...algorithmTraits.keys()] as SignatureAlgorithm[])(
    '[S1-55] [S1-56] [S1-64] checks %s and describes its key',
    async (alg) => {
      const issuer = newIssuer(alg)
      const report = await diagnose(issuer, issuer.mintToken())
      expect(report).toMatchObject({ ok: true, alg, kid: issuer.signingKey().kid })
      const { publicKeyPem, keyFingerprint, keyType, keySizeBits } = report.key as NonNullable<TokenDiagnosis['key']>
      const published = createPublicKey({ key: issuer.publishedKeys()[0] as Record<string, string>, format: 'jwk' })
      const spki = published.export({ format: 'der', type: 'spki' })
      expect(createPublicKey(publicKeyPem).equals(published)).toBe(true)
      expect(keyFingerprint).toBe(createHash('sha256').update(spki).digest('hex'))
      const sizes = { RSA: 2048, 'P-256': 256, 'P-384': 384, 'P-521': 521, Ed25519: 256 }
      const traits = algorithmTraits.get(alg)
      expect(keyType).toBe(traits?.kty)
      expect(keySizeBits).toBe(sizes[traits?.crv ?? 'RSA'])
      const bad = await diagnose(issuer, issuer.mintToken({}, { tamper: 'signature' }))
      expect(bad).toMatchObject({ failed: 'verify_signature', conclusive: true })
    },
  )

  it('[S1-60] [S1-61] [S1-62] [S1-63] tells header, claims, where they were looked for and what was found', async () => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken({ email: 'a@b.test' }))
    expect(report.header).toEqual({ alg: 'ES256', kid: report.kid, typ: 'at+jwt' })
    expect(report.payload).toMatchObject({ iss: issuer.issuer, email: 'a@b.test' })
    expect(report.discoveryUrl).toBe(`${issuer.issuer}/.well-known/oauth-authorization-server`)
    expect(report.discovery?.issuer).toBe(issuer.issuer)
    expect(report.jwksUri).toBe(report.discovery?.jwks_uri)
    expect(report.jwks).toEqual({ count: 1, kids: [report.kid] })
  })

  it('[S1-60] masks what is no registered claim when asked to', async () => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken({ email: 'a@b.test' }), { redact: true })
    expect(report.payload).toMatchObject({ sub: 'user-1', email: '(masked)' })
    const unread = await diagnose(issuer, 'a.b.c', { redact: true })
    expect(unread.payload).toBeUndefined()
  })

  it('[S1-68] is plain data that JSON keeps, without anything to use as a token', async () => {
    const issuer = newIssuer()
    const token = issuer.mintToken()
    const text = JSON.stringify(await diagnose(issuer, token))
    expect(JSON.parse(text)).toMatchObject({ ok: true, kind: 'access_token' })
    expect(JSON.parse(text).steps).toHaveLength(6)
    for (const segment of token.split('.').slice(1)) expect(text).not.toContain(segment)
  })

  it('[S1-66] calls nothing a match that nothing was compared with, and warns', async () => {
    const issuer = newIssuer()
    const options = { expectedIssuer: undefined, expectedAudience: undefined, trustedIssuers: [issuer.issuer] }
    const report = await diagnose(issuer, issuer.mintToken(), options)
    expect(report).toMatchObject({ ok: true, issuerMatch: 'not_checked', audienceMatch: 'not_checked' })
    expect(report.warnings.join()).toContain('No issuer and no audience was expected')
    expect(await diagnose(issuer, issuer.mintToken())).toMatchObject({ issuerMatch: 'match', audienceMatch: 'match' })
    const other = await diagnose(issuer, issuer.mintToken({ iss: 'https://other.test', aud: ['x'] }))
    expect(other).toMatchObject({ issuerMatch: 'mismatch', audienceMatch: 'mismatch', failed: 'discover_issuer' })
    expect(await diagnose(issuer, 'opaque')).toMatchObject({ issuerMatch: 'not_checked', audienceMatch: 'not_checked' })
  })

  it('[S1-65] shows the certificate of x5c, and whether it is of the same key', async () => {
    const issuer = newIssuer()
    const { der } = await createCertificate('issuer.test')
    const [jwk] = issuer.publishedKeys()
    const x5c = [Buffer.from(der).toString('base64')]
    const report = await diagnose(issuer, issuer.mintToken(), { keys: [{ ...jwk, x5c }] })
    expect(report.key?.certificate).toMatchObject({ isKeyOfJwk: false, subject: expect.stringContaining('CN=') })
    expect(report.key?.certificate?.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}/)
    for (const broken of [['AAAA'], [], 'text']) {
      const other = await diagnose(issuer, issuer.mintToken(), { keys: [{ ...jwk, x5c: broken }] })
      expect(other).toMatchObject({ ok: true, key: { kid: jwk?.['kid'], certificate: undefined } })
    }
  })

  it('[S1-53] [S1-54] takes keys that are given, and asks nobody then', async () => {
    const issuer = newIssuer()
    const fetch = () => Promise.reject(new Error('no request'))
    const report = await diagnose(issuer, issuer.mintToken(), { keys: issuer.publishedKeys(), fetch })
    expect(report.ok).toBe(true)
    expect(report.steps[1]).toMatchObject({ name: 'discover_issuer', outcome: 'not_checked' })
    const without = await diagnose(issuer, issuer.mintToken(), { network: 'none', fetch })
    expect(without).toMatchObject({ failed: 'fetch_jwks', conclusive: false })
  })

  const unreadable: readonly [title: string, token: (issuer: TestIssuer) => string, sentence: string][] = [
    ['an opaque token', () => '2YotnFZFEjr1zCsicMWpAA', 'introspection'],
    ['an encrypted token', () => 'eyJhbGciOiJkaXIifQ..a.b.c', 'encrypted'],
    ['more than 64 KiB', () => `a.${'b'.repeat(65_536)}.c`, '65536 characters'],
    ['a header that is no JSON', () => 'YWJj.e30.YWJj', 'The header cannot be read'],
    ['a payload that is no JSON', () => 'eyJhbGciOiJFUzI1NiJ9.YWJj.YWJj', 'The payload cannot be read'],
    ['a payload with padding', () => 'eyJhbGciOiJFUzI1NiJ9.e30=.YWJj', 'The payload cannot be read'],
    [
      'no signature',
      (issuer) => `${issuer.mintToken().split('.').slice(0, 2).join('.')}.`,
      'The signature cannot be read',
    ],
    ['alg none', (issuer) => issuer.mintToken({}, { header: { alg: 'none' }, key: 'none' }), 'not signed'],
    ['alg HS256', (issuer) => issuer.mintToken({}, { header: { alg: 'HS256' } }), 'shared secret'],
    ['an unknown alg', (issuer) => issuer.mintToken({}, { header: { alg: 'XY1' } }), 'not one that can be checked'],
    [
      'an alg that is no string',
      (issuer) => issuer.mintToken({}, { header: { alg: 7 } }),
      'not one that can be checked',
    ],
    ['crit', (issuer) => issuer.mintToken({}, { header: { crit: ['b64'] } }), 'extension (`crit`)'],
    ['a kid that is no string', (issuer) => issuer.mintToken({}, { header: { kid: 5 } }), '`kid`'],
    ['a typ that is no string', (issuer) => issuer.mintToken({}, { header: { typ: 5 } }), '`typ`'],
  ]
  it.each(unreadable)('[S1-52] [S1-67] says of %s what it is', async (_, token, sentence) => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, token(issuer), { fetch: () => Promise.reject(new Error('no request')) })
    expect(report.failed).toBe('decode_structure')
    expect(sentenceOf(report)).toContain(sentence)
  })

  const kinds: readonly [title: string, claims: object, typ: string | undefined, sentence: string][] = [
    ['an ID token of Keycloak', { typ: 'ID', azp: 'my-app', at_hash: 'h' }, 'JWT', 'This is an ID token.'],
    ['an ID token by its nonce', { nonce: 'n', client_id: undefined }, undefined, 'This is an ID token.'],
    ['an ID token of Cognito', { token_use: 'id' }, 'JWT', 'This is an ID token.'],
    ['a refresh token', { typ: 'Refresh' }, 'JWT', 'another kind of token'],
    ['a logout token', { events: {} }, 'logout+jwt', 'another kind of token'],
    ['a JWT without evidence', { scope: undefined }, 'JWT', 'Nothing in the token shows'],
    ['a JWT of another typ', {}, 'text', 'Nothing in the token shows'],
  ]
  it.each(kinds)('[S1-52] says that %s is no access token', async (_, claims, typ, sentence) => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken(claims as JsonObject, { header: { typ } }))
    expect(report.failed).toBe('decode_structure')
    expect(sentenceOf(report)).toContain(sentence)
  })

  it('[S1-52] says that an access token and a logout token are no ID tokens', async () => {
    const issuer = newIssuer()
    const access = await diagnose(issuer, issuer.mintToken(), { kind: 'id_token' })
    expect(sentenceOf(access)).toContain('This is an access token')
    const generic = await diagnose(issuer, issuer.mintToken({}, { header: { typ: 'JWT' } }), { kind: 'id_token' })
    expect(sentenceOf(generic)).toContain('This is an access token')
    const logout = issuer.mintToken({ typ: 'Logout', scope: undefined }, { header: { typ: 'JWT' } })
    expect(sentenceOf(await diagnose(issuer, logout, { kind: 'id_token' }))).toContain('another kind of token')
  })

  it.each([
    ['https://id.test/realms/main', 'audience mapper'],
    ['https://acme.auth0.com/', 'audience=https://api.test'],
    ['https://login.microsoftonline.com/t/v2.0', '.default'],
    ['https://acme.okta.com/oauth2/default', 'custom authorization server'],
    ['https://accounts.google.com', 'for its own APIs only'],
    ['https://issuer.test', 'resource=https://api.test'],
  ])('[S1-67] says how a client of %s asks for the right token', async (iss, words) => {
    const issuer = newIssuer()
    const token = issuer.mintToken({ iss, typ: 'ID' }, { header: { typ: 'JWT' } })
    expect(sentenceOf(await diagnose(issuer, token))).toContain(words)
    const open = await diagnose(issuer, token, { expectedAudience: undefined })
    expect(sentenceOf(open)).not.toContain('undefined')
  })

  it('[S1-55] passes an access token whose typ is generic, where its claims show it', async () => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken({}, { header: { typ: undefined } }))
    expect(report.ok).toBe(true)
    expect(report.steps[0]?.sentence).toContain('preset')
  })

  const claimFaults: readonly [title: string, claims: object, sentence: string][] = [
    ['another audience', { aud: ['https://other.test'] }, 'another audience'],
    ['no audience', { aud: undefined }, '`aud` is absent'],
    ['an empty audience', { aud: [] }, '`aud` is absent'],
    ['an expired token', { exp: nowMs / 1000 - 7200 }, 'expired 2 hours ago'],
    ['one that expired just now', { exp: nowMs / 1000 - 60 }, 'expired 60 seconds ago'],
    ['one that expired days ago', { exp: nowMs / 1000 - 259_200 }, 'expired 3 days ago'],
    ['an exp that is text', { exp: '1800000300' }, '`exp` is absent or not a number'],
    ['an exp before all time', { exp: 1e300, iat: 1e300 }, '`iat` lies'],
    ['an iat ahead', { iat: nowMs / 1000 + 61 }, '`iat` lies 61 seconds ahead'],
    ['no iat', { iat: undefined }, '`iat` is absent'],
    ['an nbf ahead', { nbf: nowMs / 1000 + 120 }, '`nbf` lies 2 minutes ahead'],
    ['no subject', { sub: undefined }, '`sub` is absent'],
    ['two faults', { aud: 'x', exp: 1 }, 'Also wrong: `exp`'],
  ]
  it.each(claimFaults)('[S1-57] says what is wrong with %s', async (_, claims, sentence) => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken(claims as JsonObject))
    expect(report).toMatchObject({ failed: 'validate_claims', conclusive: true })
    expect(sentenceOf(report)).toContain(sentence)
  })

  it('[S1-57] lets clocks differ by 60 s, or as told', async () => {
    const issuer = newIssuer()
    const token = issuer.mintToken({ exp: nowMs / 1000 - 59, iat: nowMs / 1000 + 60 })
    expect((await diagnose(issuer, token)).ok).toBe(true)
    expect((await diagnose(issuer, token, { clockToleranceSeconds: 0 })).ok).toBe(false)
  })

  it('[S1-57] holds azp of an ID token against the client', async () => {
    const issuer = newIssuer()
    const token = mintIdToken(issuer, { aud: ['my-app', 'other'], azp: 'other' })
    const report = await diagnose(issuer, token, { kind: 'id_token', expectedAudience: 'my-app' })
    expect(sentenceOf(report)).toContain('issued to another client')
    const other = await diagnose(issuer, mintIdToken(issuer), { kind: 'id_token', expectedAudience: 'third' })
    expect(sentenceOf(other)).toContain('Expect the `client_id`')
  })

  const keyFaults: readonly [title: string, keys: (issuer: TestIssuer) => unknown[], sentence: string][] = [
    ['no key of that name', () => [{ kty: 'RSA', kid: 'other' }, 'junk'], 'no key of that name'],
    [
      'two keys of that name',
      ({ publishedKeys }) => [publishedKeys()[0] as object, publishedKeys()[0] as object],
      'Several keys',
    ],
    ['a key for encryption', ({ publishedKeys }) => [{ ...publishedKeys()[0], use: 'enc' }], 'use is not sig'],
    ['a key of another algorithm', ({ publishedKeys }) => [{ ...publishedKeys()[0], alg: 'ES384' }], 'cannot be used'],
  ]
  it.each(keyFaults)('[S1-55] says of %s why it cannot serve', async (_, keys, sentence) => {
    const issuer = newIssuer()
    const report = await diagnose(issuer, issuer.mintToken(), { keys: keys(issuer) as JsonObject[] })
    expect(report.failed).toBe('extract_public_key')
    expect(sentenceOf(report)).toContain(sentence)
  })

  it('[S1-55] takes a token without kid only where one key fits', async () => {
    const issuer = newIssuer('ES256', 'RS256')
    const token = issuer.mintToken({}, { header: { kid: undefined } })
    expect((await diagnose(issuer, token)).ok).toBe(true)
    issuer.rotateKeys()
    expect(sentenceOf(await diagnose(issuer, token))).toContain('names no key')
    const none = await diagnose(issuer, token, { keys: [] })
    expect(sentenceOf(none)).toContain('no key of that name')
    const p384 = await diagnose(issuer, token, { keys: issuer.publishedKeys().filter(({ kty }) => kty === 'RSA') })
    expect(sentenceOf(p384)).toContain('not a key for ES256')
  })

  it('[S1-55] refuses RSA keys of 1024 bits and points off their curve', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const issuer = newIssuer()
    const weak = issuer.mintToken({}, { header: { alg: 'RS256', kid: 'weak' } })
    const small = { ...publicKey.export({ format: 'jwk' }), kid: 'weak' }
    expect(sentenceOf(await diagnose(issuer, weak, { keys: [small] }))).toContain('2048')
    const { x } = issuer.publishedKeys()[0] as { x: string }
    const bent = { ...issuer.publishedKeys()[0], y: x }
    expect(sentenceOf(await diagnose(issuer, issuer.mintToken(), { keys: [bent] }))).toContain('on its curve')
  })

  it('[S1-53] says what is wrong with iss and with the metadata', async () => {
    const issuer = newIssuer()
    const absent = await diagnose(issuer, issuer.mintToken({ iss: undefined }))
    expect(sentenceOf(absent)).toContain('`iss` is absent')
    const urn = await diagnose(issuer, issuer.mintToken({ iss: 'urn:x' }), {
      expectedIssuer: undefined,
      network: 'any',
    })
    expect(sentenceOf(urn)).toContain('not an https URL')
    const fetch = async () => Response.json({ issuer: `${issuer.issuer}/` })
    const slash = await diagnose(issuer, issuer.mintToken(), { fetch })
    expect(slash).toMatchObject({ failed: 'discover_issuer', conclusive: false })
    expect(sentenceOf(slash)).toContain('names another issuer')
  })

  it('[S1-54] says what is wrong with the key set', async () => {
    const answers: Record<string, () => Response> = {
      '/.well-known/oauth-authorization-server': () =>
        Response.json({ issuer: 'https://i.test', jwks_uri: 'https://i.test/jwks' }),
    }
    const fetch = async (url: string) => answers[new URL(url).pathname]?.() ?? new Response('', { status: 500 })
    const issuer = newIssuer()
    const token = issuer.mintToken({ iss: 'https://i.test' })
    const options = { expectedIssuer: 'https://i.test', fetch }
    expect(sentenceOf(await diagnose(issuer, token, options))).toContain('an error status')
    answers['/jwks'] = () => Response.json({ keys: 'none' })
    expect(sentenceOf(await diagnose(issuer, token, options))).toContain('not the JSON')
    answers['/.well-known/oauth-authorization-server'] = () => Response.json({ issuer: 'https://i.test' })
    expect(sentenceOf(await diagnose(issuer, token, options))).toContain('no usable `jwks_uri`')
  })

  it('refuses options that are wrong, and what is no text', async () => {
    await expect(diagnoseToken('x', { kind: 'other' as never })).rejects.toThrow(ConfigurationError)
    await expect(diagnoseToken('x', { expectedIssuer: 'http://x.test' })).rejects.toThrow(ConfigurationError)
    await expect(diagnoseToken(5 as never)).rejects.toThrow('`token` takes a string')
    await expect(diagnoseToken('x', { expectedIsuer: 'x' } as never)).rejects.toThrow('Did you mean `expectedIssuer`?')
  })
})
