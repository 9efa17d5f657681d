import { inspect } from 'node:util'
import { OAuthResponseError, type RegisteredClient, restoreRegistration } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer, plain, refusal } from '../../../support/fake-token-endpoint.js'

const registration = {
  client_id: 'registered',
  client_secret: 'CANARY-secret',
  client_secret_expires_at: 0,
  client_id_issued_at: 1_700_000_000,
  registration_client_uri: 'https://as.example/register/registered',
  registration_access_token: 'CANARY-token',
  client_name: 'Changed by the server',
  token_endpoint_auth_method: 'client_secret_basic',
}

async function registered(set = setUpClient()): Promise<RegisteredClient> {
  set.server.script('/register', answer(registration, 201))
  return set.client.register({ client_name: 'Mine' })
}

describe('registration', () => {
  it('[DCR-01] [S0-32] [S0-54] [S0-56] [S0-16] [S0-17] [S0-18] [S0-19] [S0-20] [S0-55] posts JSON with nothing added, by the initial access token', async () => {
    const set = setUpClient()
    set.server.script('/register', answer(registration, 201))
    const metadata = {
      client_name: 'Mine',
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example/jwks',
      application_type: 'native',
      x_extra: 1,
    } as const
    await set.client.register(metadata, { initialAccessToken: 'initial-token' })
    const [request] = set.server.at('/register')
    expect(request).toMatchObject({ method: 'POST' })
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer initial-token',
    })
    expect(JSON.parse(request?.body ?? '')).toEqual(metadata)
  })

  it('[DCR-01] needs no initial access token, and follows no redirect with one', async () => {
    const { server, client } = setUpClient()
    server.script('/register', answer(registration, 201))
    await client.register({ jwks_uri: 'https://app.example/jwks' })
    await client.register({ jwks: { keys: [] } })
    const [open] = server.at('/register')
    expect(open?.headers).not.toHaveProperty('authorization')
    expect(open?.headers).toMatchObject({ accept: 'application/json' })
    server.script('/register', () => new Response(null, { status: 307, headers: { location: '/elsewhere' } }))
    expect(await rejection(client.register({}, { initialAccessToken: 'initial-token' }))).toMatchObject({
      code: 'ERR_REDIRECT_REFUSED',
    })
    expect(server.at('/elsewhere')).toEqual([])
  })

  it('[DCR-02] [DCR-07] [S0-57] gives back what the server registered, secrets hidden, tied to the issuer', async () => {
    const client = await registered()
    expect(client).toMatchObject({
      issuer: 'https://as.example',
      clientId: 'registered',
      clientIdIssuedAt: 1_700_000_000,
      clientSecretExpiresAt: 0,
      registrationClientUri: 'https://as.example/register/registered',
    })
    expect(client.metadata['client_name']).toBe('Changed by the server')
    expect(client.clientSecret).toBe('CANARY-secret')
    expect(client.registrationAccessToken).toBe('CANARY-token')
    for (const view of [inspect(client, { showHidden: true, depth: 9 }), JSON.stringify(client)])
      expect(view).not.toContain('CANARY')
    const restored = restoreRegistration(JSON.parse(JSON.stringify({ issuer: client.issuer, raw: client.raw })))
    expect(restored).toEqual(client)
    expect(restored.clientSecret).toBe('CANARY-secret')
  })

  it.each([
    ['invalid_redirect_uri', 'ERR_INVALID_REDIRECT_URI'],
    ['invalid_client_metadata', 'ERR_INVALID_CLIENT_METADATA'],
    ['invalid_software_statement', 'ERR_INVALID_SOFTWARE_STATEMENT'],
    ['unapproved_software_statement', 'ERR_UNAPPROVED_SOFTWARE_STATEMENT'],
  ])('[DCR-03] [DCR-06] tells %s apart', async (error, code) => {
    const { server, client } = setUpClient()
    server.script('/register', refusal(error))
    const failure = await rejection(client.register({}))
    expect(failure).toBeInstanceOf(OAuthResponseError)
    expect(failure).toMatchObject({ code, error })
  })

  it('[DCR-04] refuses jwks beside jwks_uri', async () => {
    const { client } = setUpClient()
    const call = client.register({ jwks: { keys: [] }, jwks_uri: 'https://app.example/jwks' })
    await expect(call).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('never both') },
    })
  })

  it.each([
    ['a secret method without secret', {}, { token_endpoint_auth_method: 'client_secret_post' }],
    ['no secret where silence means Basic', {}, { token_endpoint_auth_method: undefined }],
    [
      'another method than was asked for',
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'tls_client_auth' },
    ],
    ['a method that is no string', {}, { token_endpoint_auth_method: 7 }],
  ])('[DCR-02] refuses a registration with %s', async (_name, asked, members) => {
    const { server, client } = setUpClient()
    server.script('/register', answer({ ...registration, client_secret: undefined, ...members }, 201))
    await expect(client.register(asked)).rejects.toMatchObject({ code: 'ERR_REGISTRATION_UNUSABLE' })
  })

  it.each([
    ['none', {}, { token_endpoint_auth_method: 'none' }],
    [
      'the key method asked for',
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'private_key_jwt' },
    ],
    [
      'the method asked for, unnamed in the answer',
      { token_endpoint_auth_method: 'none' },
      { token_endpoint_auth_method: undefined },
    ],
  ])('[DCR-02] takes a registration with %s', async (_name, asked, members) => {
    const { server, client } = setUpClient()
    server.script('/register', answer({ ...registration, client_secret: undefined, ...members }, 201))
    await expect(client.register(asked)).resolves.toMatchObject({ clientId: 'registered' })
  })

  it('takes a secret where nobody names a method, which means Basic', async () => {
    const { server, client } = setUpClient()
    server.script('/register', answer({ client_id: 'registered', client_secret: 's' }, 201))
    await expect(client.register({})).resolves.toMatchObject({ clientId: 'registered' })
  })

  it('[DCR-02] takes a secret without its expiry, as many servers send it, and refuses members of a wrong type', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/register',
      answer({ ...registration, client_secret_expires_at: undefined }, 201),
      answer({ ...registration, registration_client_uri: 7 }, 201),
    )
    await expect(client.register({})).resolves.toMatchObject({ clientSecretExpiresAt: undefined })
    await expect(client.register({})).rejects.toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
    for (const raw of [{}, { client_id: '' }, { client_id: 7 }, { client_id: 'a', client_secret_expires_at: '0' }]) {
      expect(() => restoreRegistration({ issuer: 'https://as.example', raw })).toThrowError(
        expect.objectContaining({ code: 'ERR_RESPONSE_MALFORMED', issuer: 'https://as.example' }),
      )
    }
    expect(() => restoreRegistration({ raw: {} } as never)).toThrow('`issuer`')
    expect(() => restoreRegistration(undefined as never)).toThrow('`issuer`')
  })

  it('never registers twice after an ambiguous failure', async () => {
    const { server, client } = setUpClient({ retry: { initialDelayMs: 1 } })
    server.script('/register', plain('', 'text/plain', 503))
    await expect(client.register({})).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(server.at('/register')).toHaveLength(1)
  })
})

describe('registration management', () => {
  const path = '/register/registered'

  it('[DCR-08] reads with the registration token', async () => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, answer({ ...registration, client_name: 'Read' }))
    const read = await set.client.readRegistration(client)
    expect(set.server.at(path)[0]).toMatchObject({
      method: 'GET',
      headers: { authorization: 'Bearer CANARY-token' },
      body: '',
    })
    expect(set.server.at(path)[0]?.headers).not.toHaveProperty('content-type')
    expect(read.metadata['client_name']).toBe('Read')
  })

  it('[DCR-08] [DCR-10] updates with client_id and without what only the server decides', async () => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, answer(registration))
    await set.client.updateRegistration(client, {
      ...registration,
      client_id: 'another',
      client_name: 'New',
      client_secret: 'chosen',
    })
    const [request] = set.server.at(path)
    expect(request?.method).toBe('PUT')
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer CANARY-token' })
    expect(JSON.parse(request?.body ?? '')).toEqual({
      client_id: 'registered',
      client_name: 'New',
      token_endpoint_auth_method: 'client_secret_basic',
    })
  })

  it('[DCR-09] lets new credentials replace the old at once, and keeps what the answer leaves out', async () => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, answer({ client_id: 'registered', registration_access_token: 'second-token' }))
    const updated = await set.client.updateRegistration(client, {})
    expect(updated.registrationAccessToken).toBe('second-token')
    expect(updated.clientSecret).toBe('CANARY-secret')
    expect(updated).toMatchObject({ clientSecretExpiresAt: 0, clientIdIssuedAt: 1_700_000_000 })
    expect(updated.registrationClientUri).toBe('https://as.example/register/registered')
    const bare = restoreRegistration({ ...updated, raw: { ...updated.raw, client_id_issued_at: undefined } })
    expect(Object.keys((await set.client.readRegistration(bare)).raw)).not.toContain('client_id_issued_at')
    await set.client.readRegistration(updated)
    expect(set.server.at(path).at(-1)?.headers['authorization']).toBe('Bearer second-token')
  })

  it('[DCR-09] refuses another client_id', async () => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, answer({ ...registration, client_id: 'other' }))
    await expect(set.client.readRegistration(client)).rejects.toMatchObject({ code: 'ERR_REGISTRATION_UNUSABLE' })
  })

  it('[DCR-08] deletes, and only 204 says it is done', async () => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, () => new Response(null, { status: 204 }), plain('', 'text/plain', 202))
    await expect(set.client.deleteRegistration(client)).resolves.toBeUndefined()
    expect(set.server.at(path)[0]?.method).toBe('DELETE')
    await expect(set.client.deleteRegistration(client)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS' })
  })

  it.each([
    ['401', plain('', 'text/plain', 401), 'ERR_INVALID_TOKEN'],
    ['401 with invalid_token', refusal('invalid_token', undefined, 401), 'ERR_INVALID_TOKEN'],
    ['403', plain('', 'text/plain', 403), 'ERR_HTTP_STATUS'],
    ['405', plain('', 'text/plain', 405), 'ERR_HTTP_STATUS'],
    ['no JSON object', plain('[]'), 'ERR_RESPONSE_MALFORMED'],
  ])('[DCR-09] tells %s', async (_name, behaviour, code) => {
    const set = setUpClient()
    const client = await registered(set)
    set.server.script(path, behaviour)
    await expect(set.client.readRegistration(client)).rejects.toMatchObject({ code })
  })

  it('[DCR-07] refuses a registration of another server, or one that cannot be managed', async () => {
    const set = setUpClient()
    const client = await registered(set)
    const foreign = restoreRegistration({ issuer: 'https://other.example', raw: client.raw })
    for (const other of [foreign, undefined as never]) {
      expect(await rejection(set.client.readRegistration(other))).toMatchObject({ code: 'ERR_CREDENTIAL_ISSUER' })
    }
    const { registration_client_uri, registration_access_token } = registration
    for (const managed of [{}, { registration_client_uri }, { registration_access_token }]) {
      const fixed = restoreRegistration({ issuer: client.issuer, raw: { client_id: 'registered', ...managed } })
      expect(await rejection(set.client.deleteRegistration(fixed))).toMatchObject({
        ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('RFC 7592') },
      })
    }
    expect(set.server.at(path)).toHaveLength(0)
  })
})
