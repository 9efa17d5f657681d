import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ClientCredential,
  CredentialError,
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  federatedAssertion,
  fromEnvironment,
  gcpIdentity,
  perIssuer,
  publicClient,
  tlsClientAuth,
} from 'portcullis/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IntrospectionOptions } from '../../../../src/resource-server/token/introspection-options.js'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { fakeAuthorizationServer } from '../../../support/fake-token-endpoint.js'

const target = { issuer: 'https://as.example', endpoint: 'https://as.example/token' }
const secret = { clientId: 'app', clientSecret: 'the-secret' }

function assertion(claims: Record<string, unknown>): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`
}
const nowMs = 1_800_000_000_000
const clock = () => nowMs
const good = assertion({ sub: 'pod', exp: nowMs / 1000 + 1 })

async function sent(credential: ClientCredential, metadata: Record<string, unknown> = {}) {
  const { server, client } = setUpClient({ credential, clientId: credential.clientId ?? 'app' })
  server.metadata = metadata
  await client.clientCredentials()
  return server.requests.at(-1)
}

describe('every credential', () => {
  const methods: readonly (readonly [string, ClientCredential])[] = [
    ['clientSecretBasic', clientSecretBasic(secret)],
    ['clientSecretPost', clientSecretPost(secret)],
    ['federatedAssertion', federatedAssertion({ clientId: 'app', source: () => good, clock })],
    ['tlsClientAuth', tlsClientAuth({ clientId: 'app' })],
  ]

  it.each(methods)(
    '[ASRT-08] [S0-53] [S3-03] authenticates by one method alone, and never in a URL: %s',
    async (name, credential) => {
      const request = await sent(credential)
      const used = [
        request?.headers['authorization'] !== undefined && 'clientSecretBasic',
        request?.form.has('client_secret') && 'clientSecretPost',
        request?.form.has('client_assertion') && 'federatedAssertion',
      ].filter((method) => typeof method === 'string')
      expect(used).toEqual(name === 'tlsClientAuth' ? [] : [name])
      expect(request?.url).toBe('https://as.example/token')
    },
  )

  it('[ASRT-08] leaves no room for a second one in `parameters`', async () => {
    const { client } = setUpClient()
    for (const name of ['client_secret', 'client_assertion', 'client_assertion_type', 'client_id']) {
      expect(await rejection(client.clientCredentials({ parameters: { [name]: 'x' } }))).toMatchObject({
        code: 'ERR_CLIENT_ARGUMENT',
      })
    }
  })
})

describe('a client secret', () => {
  it.each([
    ['s6BhdRkqt3', '7Fjfp0ZBr1KtDRbnfVdmIw', 'Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3'],
    ['client:1', 'p@ss w+rd/%é', 'Basic Y2xpZW50JTNBMTpwJTQwc3MrdyUyQnJkJTJGJTI1JUMzJUE5'],
  ])('[ASRT-09] [V-09] [S0-31] goes form-urlencoded into Basic: %s', async (clientId, clientSecret, field) => {
    const credential = clientSecretBasic({ clientId, clientSecret })
    expect(await credential.authenticate(target)).toEqual({ headers: { authorization: field } })
    const request = await sent(credential)
    expect(request?.headers['authorization']).toBe(field)
    expect([...(request?.form.keys() ?? [])]).toEqual(['grant_type'])
  })

  it('[C-24] goes into the body where asked for, and never into both places', async () => {
    const request = await sent(clientSecretPost(secret))
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app',
      client_secret: 'the-secret',
    })
    expect(request?.headers).not.toHaveProperty('authorization')
    expect(request?.url).not.toContain('secret')
  })

  it('[S0-31] refuses empty parts', () => {
    for (const make of [clientSecretBasic, clientSecretPost]) {
      expect(() => make({ ...secret, clientId: '' })).toThrowError(/clientId/)
      expect(() => make({ ...secret, clientSecret: '' })).toThrowError(/clientSecret/)
    }
  })
})

describe('clients without a secret', () => {
  it('[S0-05] [S0-30] names a public client', async () => {
    const credential = publicClient({ clientId: 'app' })
    expect(credential.method).toBe('none')
    expect(await credential.authenticate(target)).toEqual({ form: { client_id: 'app' } })
  })

  it('[MTLS-05] uses the mTLS endpoints where the TLS connection authenticates', async () => {
    const aliases = { mtls_endpoint_aliases: { token_endpoint: 'https://mtls.as.example/token' } }
    const request = await sent(tlsClientAuth({ clientId: 'app' }), aliases)
    expect(request?.url).toBe('https://mtls.as.example/token')
    expect(request?.form.get('client_id')).toBe('app')
    const selfSigned = tlsClientAuth({ clientId: 'app', selfSigned: true })
    expect(selfSigned.method).toBe('self_signed_tls_client_auth')
    expect((await sent(selfSigned, aliases))?.url).toBe('https://mtls.as.example/token')
    expect((await sent(selfSigned, { mtls_endpoint_aliases: null }))?.url).toBe('https://as.example/token')
    expect((await sent(clientSecretPost(secret), aliases))?.url).toBe('https://as.example/token')
    expect((await sent(tlsClientAuth({ clientId: 'app' })))?.url).toBe('https://as.example/token')
  })
})

describe('endpoints of a client that authenticates by TLS', () => {
  const aliases = {
    mtls_endpoint_aliases: {
      token_endpoint: 'https://mtls.as.example/token',
      revocation_endpoint: 'https://mtls.as.example/revoke',
      authorization_endpoint: 'https://mtls.as.example/authorize',
      end_session_endpoint: 'https://mtls.as.example/logout',
      jwks_uri: 'https://mtls.as.example/jwks',
    },
  }

  it('[REAL-28] are the explicit ones, then the aliases, then the others', async () => {
    const { server, client } = setUpClient({
      credential: tlsClientAuth({ clientId: 'app' }),
      endpoints: { token: 'https://mine.example/token' },
    })
    const plain = { end_session_endpoint: 'https://as.example/logout', jwks_uri: 'https://as.example/jwks' }
    server.metadata = { ...aliases, ...plain }
    expect(await client.describeEndpoints()).toMatchObject({
      endSession: { url: 'https://as.example/logout', source: 'discovered' },
      jwks: { url: 'https://as.example/jwks', source: 'discovered' },
      token: { url: 'https://mine.example/token', source: 'explicit' },
      revocation: { url: 'https://mtls.as.example/revoke', source: 'discovered' },
      introspection: { url: 'https://as.example/introspect', source: 'discovered' },
      authorization: { url: 'https://as.example/authorize', source: 'discovered' },
    })
    await client.clientCredentials()
    await client.revoke('t')
    expect(server.requests.slice(-2).map(({ url }) => url)).toEqual([
      'https://mine.example/token',
      'https://mtls.as.example/revoke',
    ])
    expect(await client.ready()).toMatchObject({ token_endpoint: 'https://mine.example/token', ...aliases })
  })

  it('[REAL-04] [REAL-28] fail where the aliases are no object, and only for those who use them', async () => {
    const wrong = { mtls_endpoint_aliases: 'https://mtls.as.example' }
    const tls = setUpClient({ credential: tlsClientAuth({ clientId: 'app' }), endpoints: { revocation: '/revoke' } })
    tls.server.metadata = { mtls_endpoint_aliases: 7 }
    await expect(tls.client.clientCredentials()).rejects.toMatchObject({
      code: 'ERR_DISCOVERY_INVALID',
      message: expect.stringMatching(/token_endpoint/),
    })
    await tls.client.revoke('t')
    const none = setUpClient({ credential: tlsClientAuth({ clientId: 'app' }) })
    none.server.metadata = { mtls_endpoint_aliases: null }
    expect((await none.client.describeEndpoints()).token?.url).toBe('https://as.example/token')
    const request = await sent(clientSecretPost(secret), wrong)
    expect(request?.url).toBe('https://as.example/token')
  })
})

describe('credentials per issuer', () => {
  const credentials = perIssuer({
    'https://as.example': clientSecretBasic(secret),
    'https://two.example': publicClient({ clientId: 'two' }),
  })

  it('[S0-33] [S0-34] [S0-35] [S0-36] [S0-37] [S3-16] gives each issuer its own and no other one anything', async () => {
    expect(credentials.issuers()).toEqual(['https://as.example', 'https://two.example'])
    expect(credentials.has('https://as.example')).toBe(true)
    expect(credentials.has('https://as.example/')).toBe(false)
    expect(credentials.has('constructor')).toBe(false)
    expect(credentials.for('https://two.example').clientId).toBe('two')
    expect(() => credentials.for('https://three.example')).toThrowError(
      expect.objectContaining({ code: 'ERR_CREDENTIAL_ISSUER', issuer: 'https://three.example' }),
    )
    expect(await credentials.authenticate({ ...target, issuer: 'https://two.example' })).toEqual({
      form: { client_id: 'two' },
    })
    expect(() => perIssuer({})).toThrowError(/perIssuer/)
  })

  it('[S0-33] [ASRT-06] fails closed in a client of an unknown issuer', () => {
    const { fetch } = fakeAuthorizationServer()
    expect(() => createOAuthClient({ issuer: 'https://three.example', credential: credentials, fetch })).toThrowError(
      CredentialError,
    )
    expect(createOAuthClient({ issuer: 'https://two.example', credential: credentials, fetch }).clientId).toBe('two')
  })

  it('serves as credential of an introspecting resource server', async () => {
    const options: Pick<IntrospectionOptions, 'credential'>[] = [
      { credential: credentials },
      { credential: clientSecretPost(secret) },
    ]
    const fields = await Promise.all(options.map(({ credential }) => credential.authenticate(target)))
    expect(fields[0]?.headers).toHaveProperty('authorization')
    expect(fields[1]?.form).toHaveProperty('client_secret')
  })
})

describe('a credential of your own', () => {
  it('[S0-32] may be a bearer token for an endpoint that takes one (RFC 7662 §2.1)', async () => {
    const bearer: ClientCredential = {
      method: 'none',
      clientId: 'app',
      authenticate: () => ({ headers: { authorization: 'Bearer endpoint-token' } }),
    }
    const { server, client } = setUpClient({ credential: bearer })
    await client.introspect('t').catch(() => undefined)
    expect(server.at('/introspect')[0]?.headers['authorization']).toBe('Bearer endpoint-token')
  })

  it('that fails sends nothing and tells why, redacted', async () => {
    const failing: ClientCredential = {
      method: 'private_key_jwt',
      clientId: 'app',
      authenticate: () => Promise.reject(new Error(`KMS said no to ${good}`)),
    }
    const { server, client } = setUpClient({ credential: failing })
    const error = (await rejection(client.clientCredentials())) as CredentialError
    expect(error).toMatchObject({
      code: 'ERR_CREDENTIAL_UNAVAILABLE',
      operation: 'clientCredentials',
      name: 'CredentialError',
    })
    expect((error.cause as Error).message).toBe('Error: KMS said no to [redacted]')
    expect(server.at('/token')).toHaveLength(0)
  })
})

describe('a federated assertion', () => {
  let directory = ''
  let file = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'portcullis-'))
    file = join(directory, 'token')
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('[S3-18] [ASRT-02] [C22] is read anew for every request', async () => {
    const { server, client } = setUpClient({ credential: federatedAssertion({ clientId: 'app', file, clock }) })
    const next = assertion({ sub: 'pod-2', exp: nowMs / 1000 + 60 })
    for (const content of [`${good}\n`, next]) {
      await writeFile(file, content)
      await client.clientCredentials({}, { forceRefresh: true })
    }
    const forms = server.at('/token').map(({ form }) => Object.fromEntries(form))
    expect(forms[0]).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: good,
    })
    expect(forms[1]?.['client_assertion']).toBe(next)
  })

  it.each([
    ['empty', ' \n', 'ERR_CREDENTIAL_UNAVAILABLE', /empty/],
    ['expired', assertion({ exp: nowMs / 1000 }), 'ERR_CREDENTIAL_EXPIRED', /expired/],
    ['without exp', assertion({}), 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['opaque', 'opaque-token', 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['of two parts', good.split('.').slice(0, 2).join('.'), 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['of four parts', `${good}.x`, 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['with an exp that is text', assertion({ exp: '1900000000' }), 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['with a broken payload', 'a.%%.c', 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['with a payload that is no JSON', 'a.YWJj.c', 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['with a payload that is no UTF-8', 'a._w.c', 'ERR_CREDENTIAL_UNAVAILABLE', /JWT/],
    ['larger than 64 KiB', ' '.repeat(65_537), 'ERR_CREDENTIAL_UNAVAILABLE', /64 KiB/],
  ])('[C22] fails closed when the file is %s', async (_name, content, code, message) => {
    await writeFile(file, content)
    const { server, client } = setUpClient({ credential: federatedAssertion({ file, clock }), clientId: 'app' })
    const error = await rejection(client.clientCredentials())
    expect(error).toMatchObject({ code, operation: 'clientCredentials', message: expect.stringMatching(message) })
    expect(server.at('/token')).toHaveLength(0)
  })

  it('[C22] takes a file of exactly 64 KiB', async () => {
    await writeFile(file, good.padEnd(65_536))
    const { form } = await federatedAssertion({ file, clock }).authenticate(target)
    expect(form).toMatchObject({ client_assertion: good })
  })

  it('[C22] says which file is missing', async () => {
    const credential = federatedAssertion({ file: join(directory, 'absent'), clock })
    const error = await rejection(Promise.resolve(credential.authenticate(target)))
    expect(error).toMatchObject({
      code: 'ERR_CREDENTIAL_UNAVAILABLE',
      message: expect.stringMatching(/absent cannot be read \(ENOENT\)/),
    })
  })

  it('[S3-18] takes the file the platform names in the environment you hand over', async () => {
    await writeFile(file, good)
    const credential = federatedAssertion({
      env: { AWS_WEB_IDENTITY_TOKEN_FILE: file, AZURE_FEDERATED_TOKEN_FILE: 'other' },
      clock,
    })
    expect((await credential.authenticate(target)).form).toEqual({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: good,
    })
    const own = federatedAssertion({ env: { TOKEN: file }, variable: 'TOKEN', clock })
    expect((await own.authenticate(target)).form).toHaveProperty('client_assertion', good)
    for (const nowhere of [
      {},
      { clientId: 'app' },
      { env: undefined },
      { env: null },
      { env: 'x' },
      { source: good },
    ]) {
      expect(() => federatedAssertion(nowhere as never)).toThrowError(
        /takes one of `file`, `env` and `source`|`env` takes|`source` takes/,
      )
    }
    expect(() => federatedAssertion({ env: { AZURE_FEDERATED_TOKEN_FILE: '' } })).toThrowError(
      /AZURE_FEDERATED_TOKEN_FILE/,
    )
    expect(() => federatedAssertion({ env: {} })).toThrowError(/AWS_WEB_IDENTITY_TOKEN_FILE, /)
    expect(() => federatedAssertion({ file: '' })).toThrowError(/file/)
  })

  it('[S3-18] is sent alone where it knows no client', async () => {
    const { server, client } = setUpClient({
      credential: federatedAssertion({ source: () => good, clock }),
      clientId: 'app',
    })
    await client.clientCredentials()
    expect(server.at('/token')[0]?.form.get('client_id')).toBeNull()
  })

  it('[S3-19] takes a function, which learns where the request goes', async () => {
    const seen: unknown[] = []
    const source = (where: unknown) => {
      seen.push(where)
      return good
    }
    await federatedAssertion({ source, clock }).authenticate(target)
    expect(seen).toEqual([target])
    const wrong = federatedAssertion({ source: () => undefined as never, clock })
    expect(await rejection(Promise.resolve(wrong.authenticate(target)))).toMatchObject({
      code: 'ERR_CREDENTIAL_UNAVAILABLE',
    })
    const expired = federatedAssertion({ source: () => assertion({ exp: 1 }) })
    expect(await rejection(Promise.resolve(expired.authenticate(target)))).toMatchObject({
      code: 'ERR_CREDENTIAL_EXPIRED',
    })
  })

  it('[S3-19] asks the metadata server of Google Cloud', async () => {
    const asked: unknown[] = []
    const fetch = async (url: string, init: { headers: Record<string, string> }) => {
      asked.push([url, init.headers])
      return new Response(`${good}\n`)
    }
    expect(await gcpIdentity({ audience: 'https://as.example/x', fetch })()).toBe(good)
    expect(asked).toEqual([
      [
        'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=https%3A%2F%2Fas.example%2Fx&format=full',
        { 'metadata-flavor': 'Google' },
      ],
    ])
    const down = gcpIdentity({ audience: 'x', fetch: async () => new Response('', { status: 404 }) })
    const noToken = { code: 'ERR_CREDENTIAL_UNAVAILABLE', message: expect.stringContaining('Google Cloud') }
    expect(await rejection(down())).toMatchObject(noToken)
    const gone = gcpIdentity({ audience: 'x', fetch: () => Promise.reject(new TypeError('fetch failed')) })
    expect(await rejection(gone())).toMatchObject(noToken)
    expect(gcpIdentity({ audience: 'x' })).toBeTypeOf('function')
  })
})

describe('a credential from the environment', () => {
  it('[S3-20] reads what it is given, by explicit call', async () => {
    const basic = fromEnvironment({ env: { OAUTH_CLIENT_ID: 'app', OAUTH_CLIENT_SECRET: 'the-secret' } })
    expect(basic).toMatchObject({ method: 'client_secret_basic', clientId: 'app' })
    const post = fromEnvironment({
      env: { X_CLIENT_ID: 'app', X_CLIENT_SECRET: 's', X_CLIENT_AUTH_METHOD: 'client_secret_post' },
      prefix: 'X_',
    })
    expect(post.method).toBe('client_secret_post')
    const file = fromEnvironment({ env: { OAUTH_CLIENT_ID: 'app', OAUTH_CLIENT_ASSERTION_FILE: '/x' } })
    expect(file).toMatchObject({ method: 'private_key_jwt', clientId: 'app' })
  })

  it.each([
    {},
    { OAUTH_CLIENT_ID: 'app' },
    { OAUTH_CLIENT_SECRET: 's' },
    { OAUTH_CLIENT_ID: 'app', OAUTH_CLIENT_SECRET: 'CANARY', OAUTH_CLIENT_ASSERTION_FILE: '/x' },
  ])('[S3-20] names what lacks or contradicts in %#', (env) => {
    expect(() => fromEnvironment({ env })).toThrowError(/OAUTH_CLIENT_ID and one of/)
    expect(() => fromEnvironment({ env })).not.toThrowError(/CANARY/)
  })
})
