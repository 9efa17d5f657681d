import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type DiagnoseTokenOptions, diagnoseToken, type TokenDiagnosis } from '../../../src/explain/diagnose-token.js'
import type { JsonObject } from '../../../src/kit/json.js'
import { createTestIssuer } from '../../../src/testing/index.js'
import { createCertificate } from '../../support/certificates.js'

const nowMs = 1_800_000_000_000
const now = nowMs / 1000
const audience = 'https://api.test'
const iss = 'https://i.test'
const clock = () => nowMs
const issuer = createTestIssuer({ clock, audience, issuer: iss, algorithms: ['ES256', 'RS256'] })
const other = createTestIssuer({ clock, audience, issuer: 'https://other.test' })
const kid = issuer.signingKey().kid

function diagnose(token: string, options: DiagnoseTokenOptions = {}): Promise<TokenDiagnosis> {
  return diagnoseToken(token, {
    expectedIssuer: iss,
    expectedAudience: audience,
    fetch: issuer.fetch,
    clock,
    ...options,
  })
}

const mint = (claims: object = {}, header: object = {}) =>
  issuer.mintToken(claims as JsonObject, { header: header as JsonObject })
const named = (alg: unknown) => mint({}, { alg })
const [head = '', body = '', signature = ''] = mint().split('.')
const idToken: DiagnoseTokenOptions = { kind: 'id_token', expectedAudience: 'app' }
const idClaims = { aud: 'app', azp: 'app', nonce: 'n', client_id: undefined, scope: undefined }
const mintIdToken = (claims: object = {}, typ: unknown = 'JWT') => mint({ ...idClaims, ...claims }, { typ })
const noRequest = { fetch: () => Promise.reject(new Error('no request')) }
const unread = 'a JSON object in base64url'
const known = 'RS, PS or ES with 256, 384 or 512, EdDSA, Ed25519'
const [ecKey, rsaKey] = issuer.publishedKeys() as [JsonObject, JsonObject]
const manyKeys = Array.from({ length: 20 }, (_, index) => ({ ...ecKey, kid: `k${index}` }))
const utc = (seconds: number) => new Date(seconds * 1000).toISOString()

type Finding = readonly [expected: unknown, received: unknown]
type Case = readonly [title: string, token: string, shown: Finding, options?: DiagnoseTokenOptions]

const decoding: readonly Case[] = [
  ['an opaque token', 'opaque', ['3 segments', '1 segments'], noRequest],
  ['a JWE', 'a..b.c.d', ['3 segments', '5 segments'], noRequest],
  ['a header that cannot be read', `x.${body}.${signature}`, [unread, undefined], noRequest],
  ['a payload that cannot be read', `${head}.x.${signature}`, [unread, undefined], noRequest],
  ['a signature that cannot be read', `${head}.${body}.`, ['base64url', undefined], noRequest],
  ['no signature', named('none'), [undefined, 'none']],
  ['a shared secret', named('HS512'), [undefined, 'HS512']],
  ['an algorithm that only ends like one', named('XHS256'), [known, 'XHS256']],
  ['an algorithm that only begins like one', named('HS256x'), [known, 'HS256x']],
  ['a list of algorithms', named(['HS256']), [known, '(object)']],
  ['no algorithm', named(undefined), [known, '(undefined)']],
  ['crit', mint({}, { crit: ['x'] }), [undefined, 'crit']],
  ['b64', mint({}, { b64: false }), [undefined, 'b64']],
  ['a kid that is no text', mint({}, { kid: 5 }), [undefined, '(number)']],
  ['a typ that is no text', mint({}, { typ: [] }), [undefined, '(object)']],
  ['an ID token', mintIdToken({ at_hash: 'h' }), ['an access token', ['at_hash', 'nonce']]],
  ['an ID token by typ', mintIdToken({}, 'id_token+jwt'), ['an access token', ['typ id_token+jwt', 'nonce']]],
  ['no evidence', mint({ scope: undefined }, { typ: 'JWT' }), ['typ at+jwt', 'jwt']],
  ['no evidence and no typ', mint({ scope: undefined }, { typ: undefined }), ['typ at+jwt', '(absent)']],
  ['an access token for an ID token', mint(), ['an ID token', ['typ at+jwt']], idToken],
  ['a logout token for an ID token', mint({ typ: 'Logout' }, { typ: 'JWT' }), ['an ID token', ['typ Logout']], idToken],
]

const discovery: readonly Case[] = [
  ['no iss', mint({ iss: undefined }), [iss, undefined]],
  ['an empty iss', mint({ iss: '' }), [iss, '']],
  ['an iss that is no text', mint({ iss: [iss] }), [iss, ['https://i.test']]],
  ['another iss', mint({ iss: `${iss}/` }), [iss, `${iss}/`], noRequest],
  [
    'an iss nobody vouched for',
    mint(),
    [['https://b.test'], iss],
    {
      ...{ ...noRequest, expectedIssuer: undefined, trustedIssuers: ['https://b.test'] },
    },
  ],
  [
    'an iss that is no address',
    mint({ iss: 'urn:x' }),
    [undefined, 'urn:x'],
    {
      ...{ ...noRequest, expectedIssuer: undefined, network: 'any' },
    },
  ],
  [
    'a server that has no metadata',
    mint(),
    [undefined, [`${iss}/.well-known/oauth-authorization-server: 404`, `${iss}/.well-known/openid-configuration: 404`]],
    { fetch: async () => new Response('', { status: 404 }) },
  ],
  [
    'a server that cannot be reached',
    mint(),
    [undefined, [`${iss}/.well-known/oauth-authorization-server: network`]],
    noRequest,
  ],
]

const keys: readonly Case[] = [
  ['no key of that name', mint({}, { kid: 'x' }), [[kid, rsaKey['kid']], 'x']],
  ['no key of that name among many', mint(), [manyKeys.slice(0, 16).map((key) => key.kid), kid], { keys: manyKeys }],
  ['keys without a name', mint(), [[], kid], { keys: [{ ...ecKey, kid: 7 }] as never }],
  ['no key at all, and none named', mint({}, { kid: undefined }), [[], undefined], { keys: [] }],
  ['two keys of that name', mint(), ['1 key', '2 keys'], { keys: [ecKey, ecKey] }],
  [
    'a key on another curve',
    mint(),
    ['a EC key on P-256', ['it is not a key for ES256']],
    {
      keys: [{ ...rsaKey, kid }],
    },
  ],
  [
    'a key for encryption',
    mint({}, { alg: 'RS256' }),
    ['a RSA key of 2048 bits or more', ['use is not sig']],
    {
      keys: [{ ...rsaKey, kid, use: 'enc' }],
    },
  ],
]

const claims: readonly Case[] = [
  ['another audience', mint({ aud: ['a', 'b'] }), [audience, ['a', 'b']]],
  ['no audience', mint({ aud: undefined }), [audience, '(absent)']],
  [
    'no audience where none is expected',
    mint({ aud: 5 }),
    ['a string or a list of strings', 5],
    {
      expectedAudience: undefined,
    },
  ],
  ['another client', mintIdToken({ azp: 'x' }), ['app', 'x'], idToken],
  ['an expired token', mint({ exp: now - 61 }), [`a time after ${utc(now)}`, utc(now - 61)]],
  ['an exp before all time', mint({ exp: -1 }), ['a number', -1]],
  ['an exp that is text', mint({ exp: '5' }), ['a number', '5']],
  ['an exp that is a token', mint({ exp: mint() }), ['a number', '(masked)']],
  ['no exp', mint({ exp: undefined }), ['a number', '(absent)']],
  ['an iat ahead', mint({ iat: now + 61 }), [`a time until ${utc(now)}`, utc(now + 61)]],
  ['the last moment there is', mint({ iat: 8.64e12 }), [`a time until ${utc(now)}`, utc(8.64e12)]],
  ['an iat beyond all time', mint({ iat: 8.65e12 }), [`a time until ${utc(now)}`, '8650000000000']],
  ['an nbf that is text', mint({ nbf: 'x' }), ['a number', 'x']],
  ['no subject', mint({ sub: undefined }), [undefined, '(absent)']],
  ['an empty subject', mint({ sub: '' }), [undefined, '']],
  ['a subject that is no text', mint({ sub: 7 }), [undefined, 7]],
]

const rows = (cases: readonly Case[]) =>
  cases.map(([title, token, shown, options = {}]) => [title, token, shown, options] as const)

async function stepOf(report: Promise<TokenDiagnosis>) {
  const { failed, steps, sentence } = await report
  const step = steps.find(({ name }) => name === failed)
  expect(step?.sentence).toBe(sentence)
  return step
}

afterEach(() => void vi.restoreAllMocks())

describe('what a diagnosis shows of the step that failed', () => {
  it.each(rows(decoding))('[S1-52] for %s', async (_title, token, [expected, received], options) => {
    expect(await stepOf(diagnose(token, options))).toMatchObject({
      ...{ name: 'decode_structure', rule: 'RFC 7515 §7.1, RFC 8725 §3', expected, received },
    })
  })

  it.each(rows(discovery))('[S1-53] for %s', async (_title, token, [expected, received], options) => {
    expect(await stepOf(diagnose(token, options))).toMatchObject({
      ...{ name: 'discover_issuer', rule: 'RFC 8414 §3', expected, received },
    })
  })

  it.each(rows(keys))('[S1-55] for %s', async (_title, token, [expected, received], options) => {
    expect(await stepOf(diagnose(token, options))).toMatchObject({
      ...{ name: 'extract_public_key', rule: 'RFC 7515 §4.1.4', expected, received },
    })
  })

  it.each(rows(claims))('[S1-57] for %s', async (_title, token, [expected, received], options) => {
    expect(await stepOf(diagnose(token, options))).toMatchObject({
      ...{ name: 'validate_claims', rule: 'RFC 7519 §4.1', expected, received },
    })
  })

  it('[S1-54] for a key set that cannot be had', async () => {
    const fetch: typeof issuer.fetch = (url, init) =>
      url.endsWith('/jwks') ? Promise.resolve(new Response('', { status: 404 })) : issuer.fetch(url, init)
    const report = diagnose(mint(), { fetch })
    const step = { name: 'fetch_jwks', rule: 'RFC 7517 §5', received: (await report).jwksUri }
    expect(await stepOf(report)).toMatchObject(step)
    expect(await report).toMatchObject({
      conclusive: false,
      jwksUri: expect.stringMatching(/^https:\/\/i\.test\/.*jwks$/),
    })
    const none = await stepOf(diagnose(mint(), { network: 'none' }))
    expect(none?.sentence).toContain('give them, or allow the network')
  })

  it('[S1-56] for a signature of another key', async () => {
    const forged = other.mintToken({ iss }, { header: { kid } })
    expect(await stepOf(diagnose(forged))).toMatchObject({
      ...{ name: 'verify_signature', rule: 'RFC 7515 §5.2' },
      ...{ expected: 'a signature by ES256', received: 'another signature' },
      sentence: expect.stringContaining('the token was changed, cut or joined'),
    })
  })
})

describe('what a diagnosis shows of the steps that passed', () => {
  const received = async (report: Promise<TokenDiagnosis>) => (await report).steps.map((step) => step.received)

  it('[S1-69] tells where it looked, how many keys it found, and which of them signed', async () => {
    const url = `${iss}/.well-known/oauth-authorization-server`
    expect(await received(diagnose(mint()))).toEqual([undefined, url, '2 keys', kid, 'ES256', undefined])
    const unnamed = mint({}, { kid: undefined, typ: undefined })
    const given = diagnose(unnamed, { keys: [ecKey], ...noRequest })
    expect(await received(given)).toEqual([
      ...['(absent)', iss, '1 keys given', '(no kid: the only key that fits)', 'ES256', undefined],
    ])
    const generic = (await diagnose(mint({}, { typ: 'JWT' }))).steps[0]
    expect(generic).toMatchObject({ outcome: 'passed', received: 'jwt', sentence: expect.stringContaining('preset') })
    expect((await diagnose(mint())).steps[0]).toMatchObject({ sentence: 'A JWT access token by RFC 9068.' })
    const { steps } = await diagnose(mintIdToken(), idToken)
    expect(steps[0]).toMatchObject({ outcome: 'passed', sentence: 'A signed JWT that can be an ID token.' })
  })

  it('[S1-69] tells how long each took, in milliseconds with two digits', async () => {
    let ticks = 1000
    vi.spyOn(performance, 'now').mockImplementation(() => {
      ticks += 1.2345
      return ticks
    })
    const { durationsMs } = await diagnose(mint(), { keys: [ecKey] })
    expect(durationsMs['decode_structure']).toBe(1.23)
  })
})

const foreign: readonly (readonly [title: string, claims: object, typ: string, told: string])[] = [
  ['typ of the header', { nonce: undefined }, 'id_token+jwt', 'This is an ID token.'],
  ['typ of the payload', { nonce: undefined, typ: 'ID' }, 'JWT', 'This is an ID token.'],
  ['typ in another form', { nonce: undefined, typ: 'id-token' }, 'JWT', 'This is an ID token.'],
  ['token_use', { nonce: undefined, token_use: 'id_token' }, 'JWT', 'This is an ID token.'],
  ['at_hash', { nonce: undefined, at_hash: 'h' }, 'JWT', 'This is an ID token.'],
  ['c_hash', { nonce: undefined, c_hash: 'h' }, 'JWT', 'This is an ID token.'],
  ['a nonce beside events', { events: {} }, 'JWT', 'another kind of token'],
  ['the end of a typ', { nonce: undefined, typ: 'serialized-id' }, 'JWT', 'another kind of token'],
  ['the beginning of a typ', { nonce: undefined, typ: 'id+jwt' }, 'JWT', 'another kind of token'],
  ['a typ in between', { nonce: undefined, typ: 'idxtoken' }, 'logout+jwt', 'another kind of token'],
]

describe('a diagnosis', () => {
  it.each(foreign)('[S1-52] tells ID tokens from other ones by %s', async (_title, claims, typ, told) => {
    expect((await diagnose(mintIdToken(claims, typ))).sentence).toContain(told)
  })

  it('[S1-52] takes no access token for an ID token, whatever its claims', async () => {
    const report = await diagnose(mint({ ...idClaims }), idToken)
    expect(report.sentence).toContain('This is an access token')
  })

  it('[S1-52] reads a token of 64 KiB', async () => {
    const token = `${head}.${body}.`
    const report = await diagnose(token + 'A'.repeat(65_536 - token.length), { keys: [ecKey] })
    expect(report.failed).toBe('verify_signature')
  })

  it('[S1-53] says that nobody is named where iss is empty', async () => {
    const report = await diagnose(mint({ iss: '' }), { expectedIssuer: undefined, keys: [ecKey] })
    expect(report.sentence).toContain('nothing says whose keys to take')
  })

  it('[S1-62] names the keys that have a name, and counts all', async () => {
    const report = await diagnose(mint(), { keys: [ecKey, { ...rsaKey, kid: 5 }] })
    expect(report.jwks).toEqual({ count: 2, kids: [kid] })
    expect((await diagnose(mint({}, { kid: 5 }))).kid).toBeUndefined()
  })

  it('[S1-64] tells the size of an RSA key by its bits, and writes PEM in lines of 64', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2052 })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid } as JsonObject
    const { key } = await diagnose(mint({}, { alg: 'RS256' }), { keys: [jwk] })
    expect(key?.keySizeBits).toBe(2052)
    const lines = key?.publicKeyPem.trim().split('\n').slice(1, -1) as string[]
    expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true)
    expect(lines.length).toBeGreaterThan(5)
  })

  it('[S1-65] says of a certificate of the very key that it is', async () => {
    const { cert, der } = await createCertificate('issuer.test')
    const jwk = new X509Certificate(cert).publicKey.export({ format: 'jwk' })
    const x5c = [Buffer.from(der).toString('base64')]
    const { key } = await diagnose(mint(), { keys: [{ ...jwk, kid, x5c }] as never })
    expect(key?.certificate?.isKeyOfJwk).toBe(true)
  })

  it.each([
    [undefined, 10_000],
    [500, 500],
  ])('[S1-53] waits no longer than it is told: %s', async (timeoutMs, waited) => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    let isOver = false
    const judged = diagnose(mint(), { timeoutMs, fetch: () => new Promise(() => undefined) }).then((report) => {
      isOver = true
      return report
    })
    await vi.advanceTimersByTimeAsync(waited - 1)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect((await judged).sentence).toContain('in time')
  })

  it('takes each kind and each network by its name, and refuses another by the name of its option', async () => {
    expect((await diagnose(mint(), { kind: 'access_token', network: 'trusted' })).ok).toBe(true)
    await expect(diagnose('x', { keys: {} as never })).rejects.toThrow('an array of JWKs')
    await expect(diagnose('x', { isuer: 1 } as never)).rejects.toThrow('diagnoseToken has no option')
    await expect(diagnose('x', { expectedIssuer: 'x' })).rejects.toThrow('`issuer`')
  })

  it('[S1-53] asks only whom the caller named, and counts that as no judgement of the token', async () => {
    const asked: string[] = []
    const fetch: typeof issuer.fetch = (url, init) => {
      asked.push(new URL(url).host)
      return issuer.fetch(url, init)
    }
    const stranger = { expectedIssuer: undefined, fetch }
    const refused = await diagnose(mint(), stranger)
    expect(refused).toMatchObject({ failed: 'discover_issuer', conclusive: false })
    expect(refused.sentence).toContain('give it as `expectedIssuer`')
    expect(await diagnose(mint({ iss: 'https://evil.test' }), { fetch })).toMatchObject({
      ...{ failed: 'discover_issuer', conclusive: true, sentence: expect.stringContaining('byte for byte') },
    })
    expect(asked).toEqual([])
    expect((await diagnose(mint(), { ...stranger, trustedIssuers: [iss] })).ok).toBe(true)
    expect(asked).toEqual(['i.test', 'i.test'])
  })

  it('[S1-53] asks no host of a private network that only the token or its metadata name', async () => {
    const asked: string[] = []
    const here = 'https://10.0.0.1'
    const away = 'https://10.0.0.2/jwks'
    let jwksUri = `${here}/jwks`
    const fetch = async (url: string) => {
      asked.push(url)
      return Response.json(url.endsWith('/jwks') ? { keys: [ecKey] } : { issuer: here, jwks_uri: jwksUri })
    }
    const token = mint({ iss: here })
    const untrusted = await diagnose(token, { expectedIssuer: undefined, network: 'any', fetch })
    expect(untrusted).toMatchObject({ failed: 'discover_issuer', conclusive: false })
    expect(untrusted.sentence).toContain('its host is not on the public internet')
    expect(asked).toEqual([])
    expect((await diagnose(token, { expectedIssuer: here, fetch })).ok).toBe(true)
    jwksUri = away
    const led = await diagnose(token, { expectedIssuer: here, fetch })
    expect(led).toMatchObject({ failed: 'fetch_jwks', conclusive: false })
    expect(asked).not.toContain(away)
  })

  it('[S1-50] takes no further step after one that failed', async () => {
    const report = await diagnose(mint({ iss: undefined, exp: 1 }))
    expect(Object.keys(report.durationsMs)).toEqual(['decode_structure', 'discover_issuer'])
    expect(report).toMatchObject({ jwks: undefined, key: undefined, conclusive: true })
  })

  it('[S1-60] masks all claims but those that are registered', async () => {
    const kept = {
      ...{ iss, sub: 's', aud: audience, exp: now + 5, nbf: now, iat: now, jti: 'j', azp: 'a', client_id: 'c' },
      ...{ scope: 'x', scp: 'y', typ: 'Bearer', token_use: 'access', auth_time: now, acr: '1', amr: ['pwd'] },
    }
    const report = await diagnose(mint({ ...kept, name: 'Ada' }), { redact: true })
    expect(report.payload).toEqual({ ...kept, name: '(masked)' })
  })

  it('[S1-66] warns of header members that choose no key, of nothing expected, and of a missing nonce', async () => {
    const warnings = async (token: string, options?: DiagnoseTokenOptions) => (await diagnose(token, options)).warnings
    const header = { jku: 'https://evil.test', x5u: 'https://evil.test', jwk: ecKey }
    const ignored = (name: string) => `The header has \`${name}\`, which never chooses a key: it is ignored.`
    expect(await warnings(mint({}, header))).toEqual([ignored('jku'), ignored('x5u'), ignored('jwk')])
    expect(await warnings('opaque')).toEqual([])
    expect(await warnings(mint(), { expectedAudience: undefined })).toEqual([])
    expect(await warnings(mint(), { expectedIssuer: undefined, network: 'any' })).toEqual([])
    expect(await warnings('opaque', idToken)).toEqual([])
    expect(await warnings(mintIdToken({ nonce: undefined }), idToken)).toHaveLength(1)
  })
})
