import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify } from 'jose'
import { jwksDocument, type PrivateKeyJwtOptions, privateKeyJwt, publicJwkOf } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer } from '../../../support/fake-token-endpoint.js'

const target = { issuer: 'https://as.example', endpoint: 'https://as.example/token' }
const nowMs = 1_800_000_000_000

async function jwkPair(alg: string): Promise<{ privateJwk: JWK; publicJwk: JWK }> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return { privateJwk: await exportJWK(pair.privateKey), publicJwk: await exportJWK(pair.publicKey) }
}

async function assertionOf(
  options: Omit<PrivateKeyJwtOptions, 'clientId'>,
  further: Record<string, unknown> = {},
): Promise<string> {
  const credential = privateKeyJwt({ clientId: 'app', clock: () => nowMs, ...options })
  const { form } = await credential.authenticate({ ...target, ...further })
  return form?.['client_assertion'] as string
}

describe('private_key_jwt', () => {
  it('[ASRT-02] [ASRT-03] [ASRT-04] [ASRT-05] [C-20] [D21] signs an assertion for the issuer alone, good for 60 s', async () => {
    const { privateJwk, publicJwk } = await jwkPair('ES256')
    const { server, client } = setUpClient({
      credential: privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk, kid: 'k1' }], clock: () => nowMs }),
    })
    await client.clientCredentials()
    await client.clientCredentials({}, { forceRefresh: true })
    const [first, second] = server.at('/token').map(({ form }) => form)
    expect(first?.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    expect(first?.get('client_id')).toBe('app')
    expect(server.at('/token')[0]?.headers).not.toHaveProperty('authorization')
    const assertion = first?.get('client_assertion') as string
    const { payload, protectedHeader } = await jwtVerify(assertion, await importJWK(publicJwk, 'ES256'), {
      currentDate: new Date(nowMs),
    })
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'k1', typ: 'client-authentication+jwt' })
    const { jti, ...claims } = payload
    const iat = nowMs / 1000
    expect(claims).toEqual({ iss: 'app', sub: 'app', aud: 'https://as.example', iat, nbf: iat, exp: iat + 60 })
    expect(jti).not.toBe(decodeJwt(second?.get('client_assertion') as string).jti)
  })

  it('[PAR-04] [C-20] has the issuer for audience at every endpoint', async () => {
    const { privateJwk } = await jwkPair('ES256')
    const credential = privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk, kid: 'k1' }], clock: () => nowMs })
    const { server, client } = setUpClient({ credential })
    const pushed = { request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }
    server.script('/par', answer(pushed, 201))
    server.script('/introspect', answer({ active: false }))
    const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    await client.pushAuthorizationRequest({ redirectUri: 'https://app.example/cb', codeChallenge, state: 's' })
    await client.introspect('a-token')
    for (const endpoint of ['/par', '/introspect'] as const) {
      const form = server.at(endpoint)[0]?.form
      expect(decodeJwt(form?.get('client_assertion') ?? '').aud, endpoint).toBe('https://as.example')
    }
  })

  it('[C-20] [ASRT-06] takes another audience, type and lifetime per issuer', async () => {
    const { privateJwk } = await jwkPair('ES256')
    const options = {
      keys: [{ key: { ...privateJwk, kid: 'in-jwk' } }],
      audiences: { 'https://as.example': 'https://as.example/token' },
      typ: null,
      lifetimeSeconds: 10,
    }
    const assertion = await assertionOf(options)
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES256', kid: 'in-jwk' })
    expect(decodeJwt(assertion)).toMatchObject({ aud: 'https://as.example/token', exp: nowMs / 1000 + 10 })
    expect(decodeJwt(await assertionOf(options, { issuer: 'https://other.example' })).aud).toBe('https://other.example')
    expect(decodeJwt(await assertionOf(options, { issuer: 'constructor' })).aud).toBe('constructor')
    expect(decodeProtectedHeader(await assertionOf({ ...options, typ: 'JWT' })).typ).toBe('JWT')
  })

  it.each([
    ['issuer', 'https://as.example'],
    ['token_endpoint', 'https://as.example/token'],
    ['https://as.example/other', 'https://as.example/other'],
    [
      ['https://as.example', 'https://as.example/token'],
      ['https://as.example', 'https://as.example/token'],
    ],
  ])('[REAL-32] has the audience %j at every endpoint', async (audience, aud) => {
    const { privateJwk } = await jwkPair('ES256')
    const credential = privateKeyJwt({
      clientId: 'app',
      keys: [{ key: privateJwk }],
      audiences: { 'https://as.example': audience },
      clock: () => nowMs,
    })
    const { server, client } = setUpClient({ credential })
    await client.clientCredentials()
    await client.revoke('t')
    for (const endpoint of ['/token', '/revoke']) {
      expect(decodeJwt(server.at(endpoint)[0]?.form.get('client_assertion') ?? '').aud, endpoint).toEqual(aud)
    }
    server.metadata = { token_endpoint: undefined }
    const alone = setUpClient({ credential, fetch: server.fetch })
    await alone.client.revoke('t')
    const expected = audience === 'token_endpoint' ? 'https://as.example/revoke' : aud
    expect(decodeJwt(server.at('/revoke')[1]?.form.get('client_assertion') ?? '').aud).toEqual(expected)
  })

  it.each([
    [['https://as.example']],
    ['https://as.example'],
    [null],
    [{ issuer: 'issuer' }],
    [{ 'https://as.example': 'token-endpoint' }],
    [{ 'https://as.example': [] }],
    [{ 'https://as.example': [7] }],
    [{ 'https://as.example': ['https://as.example', 'no URI'] }],
    [{ 'https://as.example': undefined }],
  ])('[REAL-32] refuses the audiences %j when it is made', async (audiences) => {
    const { privateJwk } = await jwkPair('ES256')
    const make = () => privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk }], audiences: audiences as never })
    expect(make).toThrowError(expect.objectContaining({ code: 'ERR_CONFIGURATION' }) as Error)
    expect(make).toThrowError(/`audiences` takes an object by issuer identifier/)
  })

  it('[REAL-04] fails where the list of algorithms is none, and only for who needs it', async () => {
    const { privateJwk } = await jwkPair('ES256')
    const odd = { token_endpoint_auth_signing_alg_values_supported: 'ES256' }
    const { server, client } = setUpClient({
      credential: privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk }] }),
    })
    server.metadata = odd
    await expect(client.clientCredentials()).rejects.toMatchObject({
      code: 'ERR_DISCOVERY_INVALID',
      message: expect.stringMatching(/token_endpoint_auth_signing_alg_values_supported/),
    })
    const other = setUpClient()
    other.server.metadata = odd
    await expect(other.client.clientCredentials()).resolves.toMatchObject({ tokenType: 'Bearer' })
  })

  it.each([
    ['RS256', undefined, 'RS256'],
    ['RS256', ['PS256', 'ES256'], 'PS256'],
    ['EdDSA', undefined, 'EdDSA'],
    ['EdDSA', ['Ed25519'], 'Ed25519'],
    ['ES384', undefined, 'ES384'],
    ['ES512', ['ES512'], 'ES512'],
  ])('[ASRT-05] [C-28] signs by a %s key at a server that lists %s with %s', async (generated, listed, used) => {
    const { privateJwk, publicJwk } = await jwkPair(generated)
    const assertion = await assertionOf({ keys: [{ key: privateJwk }] }, { signingAlgorithms: listed })
    expect(decodeProtectedHeader(assertion).alg).toBe(used)
    await jwtVerify(assertion, await importJWK(publicJwk, used), { currentDate: new Date(nowMs) })
  })

  it('[ASRT-05] keeps to the alg of the JWK, and fails where the server lists none the key can do', async () => {
    const { privateJwk } = await jwkPair('RS256')
    const keys = [{ key: { ...privateJwk, alg: 'PS512' } }]
    expect(decodeProtectedHeader(await assertionOf({ keys })).alg).toBe('PS512')
    expect(await rejection(assertionOf({ keys }, { signingAlgorithms: ['ES256'] }))).toMatchObject({
      code: 'ERR_CREDENTIAL_UNAVAILABLE',
      message: 'The signing key has no algorithm that the authorization server lists',
      issuer: target.issuer,
    })
  })

  it('[C-20] has the endpoint for audience where the token endpoint is asked for, and is no text', async () => {
    const { privateJwk } = await jwkPair('ES256')
    const { server, client } = setUpClient({
      credential: privateKeyJwt({
        ...{ clientId: 'app', keys: [{ key: privateJwk }], clock: () => nowMs },
        audiences: { 'https://as.example': 'token_endpoint' },
      }),
    })
    server.metadata = { token_endpoint: 7 }
    server.script('/introspect', answer({ active: false }))
    await client.introspect('t')
    const assertion = server.at('/introspect')[0]?.form.get('client_assertion') as string
    expect(decodeJwt(assertion).aud).toBe('https://as.example/introspect')
  })

  it('publishes a key with the members it has, and no others', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const publicJwk = await publicJwkOf(publicKey)
    const [published] = privateKeyJwt({ clientId: 'app', keys: [{ key: privateKey, publicJwk }] }).publicJwks()
    expect(Object.keys(published ?? {}).sort()).toEqual(['alg', 'crv', 'kty', 'use', 'x', 'y'])
    const { privateJwk } = await jwkPair('RS256')
    const [rsa] = privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk }] }).publicJwks()
    expect(Object.keys(rsa ?? {}).sort()).toEqual(['e', 'kty', 'n', 'use'])
  })

  it('[ASRT-05] reads the algorithms from the metadata of the server', async () => {
    const { privateJwk } = await jwkPair('RS256')
    const { server, client } = setUpClient({
      credential: privateKeyJwt({ clientId: 'app', keys: [{ key: privateJwk }], clock: () => nowMs }),
    })
    server.metadata = { token_endpoint_auth_signing_alg_values_supported: ['ES256', 'PS256'] }
    await client.clientCredentials()
    expect(decodeProtectedHeader(server.at('/token')[0]?.form.get('client_assertion') as string).alg).toBe('PS256')
  })

  it.each([
    ['RSASSA-PKCS1-v1_5', 'RS384'],
    ['RSA-PSS', 'PS256'],
    ['ECDSA', 'ES256'],
    ['Ed25519', 'EdDSA'],
  ])('takes a CryptoKey of %s that cannot be extracted', async (_name, alg) => {
    const pair = await generateKeyPair(alg)
    const publicJwk = await publicJwkOf(pair.publicKey)
    const credential = privateKeyJwt({
      clientId: 'app',
      keys: [{ key: pair.privateKey, kid: 'k', publicJwk }],
      clock: () => nowMs,
    })
    const { form } = await credential.authenticate(target)
    await jwtVerify(form?.['client_assertion'] as string, pair.publicKey, { currentDate: new Date(nowMs) })
    expect(credential.publicJwks()).toEqual([{ ...publicJwk, kid: 'k', alg, use: 'sig' }])
  })

  it('takes a remote signer', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicJwk = createPublicKey(pair.privateKey).export({ format: 'jwk' }) as JWK
    const remote = {
      kid: 'kms-1',
      alg: 'ES256' as const,
      publicJwk,
      sign: async (data: Uint8Array) => sign('sha256', data, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
    }
    const assertion = await assertionOf({ keys: [remote] })
    const { protectedHeader } = await jwtVerify(assertion, await importJWK(publicJwk, 'ES256'), {
      currentDate: new Date(nowMs),
    })
    expect(protectedHeader.kid).toBe('kms-1')
  })

  it('[S3-17] rotates with overlap: the first key signs, all are published, without private members', async () => {
    const [one, two] = await Promise.all([jwkPair('ES256'), jwkPair('RS256')])
    const credential = privateKeyJwt({
      clientId: 'app',
      keys: [
        { key: one.privateJwk, kid: 'new' },
        { key: two.privateJwk, kid: 'old' },
      ],
    })
    const { form } = await credential.authenticate(target)
    expect(decodeProtectedHeader(form?.['client_assertion'] as string).kid).toBe('new')
    const { document, answer } = jwksDocument(credential)
    expect(document).toEqual({
      keys: [
        { ...one.publicJwk, kid: 'new', alg: 'ES256', use: 'sig' },
        { ...two.publicJwk, kid: 'old', use: 'sig' },
      ],
    })
    expect(answer).toEqual({
      status: 200,
      headers: { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': 'public, max-age=300' },
      body: JSON.stringify(document),
    })
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(answer.body).not.toContain(`"${member}":`)
  })

  it('publishes nothing it was not given', async () => {
    const pair = await generateKeyPair('ES256')
    const credential = privateKeyJwt({ clientId: 'app', keys: [{ key: pair.privateKey }] })
    expect(() => jwksDocument(credential)).toThrowError(/publicJwk/)
    expect(() => jwksDocument({ publicJwks: () => [{ kty: 'EC', d: 'x' }] })).toThrowError(/private/)
  })

  it('refuses keys that cannot sign, no key, and a lifetime out of range', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const { publicJwk } = await jwkPair('ES256')
    const agreement = (await crypto.subtle.generateKey('X25519', true, ['deriveBits'])) as CryptoKeyPair
    for (const key of [pair.publicKey, publicJwk, { kty: 'oct', k: 'x', d: 'x' }, agreement.privateKey]) {
      expect(() => privateKeyJwt({ clientId: 'app', keys: [{ key }] })).toThrowError(/private signing keys/)
    }
    const keys = [{ key: pair.privateKey }]
    expect(() => privateKeyJwt({ clientId: 'app', keys: [] })).toThrowError(/at least one key/)
    expect(() => privateKeyJwt({ clientId: 'app', keys, lifetimeSeconds: 301 })).toThrowError(/lifetimeSeconds/)
    expect(() => privateKeyJwt({ clientId: '', keys })).toThrowError(/clientId/)
  })
})
