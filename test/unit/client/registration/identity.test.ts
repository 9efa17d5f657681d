import { generateKeyPair } from 'jose'
import {
  createOAuthClient,
  credentialOf,
  type OAuthClientOptions,
  type RegisteredClient,
  type RegistrationOptions,
  restoreRegistration,
  type StoredRegistration,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer, html503 } from '../../../support/fake-token-endpoint.js'

const issuer = 'https://as.example'
const raw = {
  client_id: 'registered',
  client_secret: 'the-secret',
  client_secret_expires_at: 0,
  token_endpoint_auth_method: 'client_secret_basic',
}
const metadata = { client_name: 'Mine', grant_types: ['client_credentials'] }
const pair = await generateKeyPair('ES256')

function registeredAs(members: Record<string, unknown>): RegisteredClient {
  return restoreRegistration({ issuer, raw: { client_id: 'registered', ...members } })
}

describe('a client without a credential', () => {
  it('discovers and registers, and refuses every other call before anything is sent', async () => {
    const { server, client } = setUpClient({ credential: undefined })
    expect(client.clientId).toBeUndefined()
    await client.ready()
    server.script('/register', answer(raw, 201))
    expect((await client.register(metadata)).clientId).toBe('registered')
    const sent = server.requests.length
    for (const call of [
      client.clientCredentials(),
      client.introspect('t'),
      client.exchangeToken({ subjectToken: 't' }),
    ]) {
      expect(await rejection(call)).toMatchObject({
        code: 'ERR_CREDENTIAL_ISSUER',
        message: expect.stringMatching(/no `credential`/),
      })
    }
    expect(server.requests).toHaveLength(sent)
  })
})

describe('the credential of a registration', () => {
  it.each([
    [{ client_secret: 's' }, 'client_secret_basic'],
    [{ client_secret: 's', token_endpoint_auth_method: 'client_secret_basic' }, 'client_secret_basic'],
    [{ client_secret: 's', token_endpoint_auth_method: 'client_secret_post' }, 'client_secret_post'],
    [{ token_endpoint_auth_method: 'none' }, 'none'],
    [{ client_secret: 's', token_endpoint_auth_method: 'none' }, 'none'],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, 'private_key_jwt'],
    [{ token_endpoint_auth_method: 'tls_client_auth' }, 'tls_client_auth'],
    [{ token_endpoint_auth_method: 'self_signed_tls_client_auth' }, 'self_signed_tls_client_auth'],
  ])('follows the method of %j', (members, method) => {
    const credential = credentialOf(registeredAs(members), { keys: [{ key: pair.privateKey }] })
    expect(credential).toMatchObject({ method, clientId: 'registered' })
  })

  it('takes the method you know where the registration names none', () => {
    const keys = [{ key: pair.privateKey }]
    for (const method of [
      ...(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const),
      ...(['tls_client_auth', 'self_signed_tls_client_auth'] as const),
    ]) {
      expect(credentialOf(registeredAs({ client_secret: 's' }), { method, keys }).method).toBe(method)
    }
  })

  it.each([
    ['no secret', {}, /clientSecret/],
    ['no key', { token_endpoint_auth_method: 'private_key_jwt' }, /`keys` takes an array of at least one key/],
    ['a method there is none for', { token_endpoint_auth_method: 'client_secret_jwt' }, /this library does not have/],
  ])('refuses a registration with %s', (_name, members, message) => {
    expect(() => credentialOf(registeredAs(members))).toThrowError(message)
  })
})

function registering(further: Partial<RegistrationOptions> = {}, options: Partial<OAuthClientOptions> = {}) {
  const saved: StoredRegistration[] = []
  const store = {
    load: async (): Promise<StoredRegistration | undefined> => saved.at(-1),
    save: async (registration: StoredRegistration) => void saved.push(registration),
  }
  const registration = { auto: true, metadata, store, ...further } as const
  const set = setUpClient({ credential: undefined, registration, ...options })
  set.server.script('/register', answer(raw, 201))
  return { ...set, saved, registration }
}

describe('automatic registration', () => {
  it('[S0-14] registers once at first use, stores the answer, and authenticates by it', async () => {
    const { server, client, saved } = registering({ initialAccessToken: 'initial' })
    expect(client.clientId).toBeUndefined()
    await Promise.all([
      client.clientCredentials({ scope: 'a' }),
      client.clientCredentials({ scope: 'b' }),
      client.revoke('t'),
    ])
    expect(server.at('/register')).toHaveLength(1)
    expect(server.at('/register')[0]?.headers['authorization']).toBe('Bearer initial')
    expect(JSON.parse(server.at('/register')[0]?.body ?? '')).toEqual(metadata)
    expect(client.clientId).toBe('registered')
    expect(saved).toEqual([{ issuer, raw }])
    expect(server.at('/token')[0]?.headers['authorization']).toBe(`Basic ${btoa('registered:the-secret')}`)
  })

  it('[S0-14] uses what is stored after a restart', async () => {
    const { server, client, saved } = registering()
    saved.push(JSON.parse(JSON.stringify({ issuer, raw: { ...raw, client_id: 'earlier' } })))
    await client.clientCredentials()
    expect(server.at('/register')).toHaveLength(0)
    expect(client.clientId).toBe('earlier')
  })

  it('[S0-14] asks the store once while the registration is good', async () => {
    let asked = 0
    const load = () => {
      asked += 1
      return { issuer, raw }
    }
    const { client } = registering({ store: { load, save: () => undefined } })
    await client.revoke('t')
    await client.revoke('t')
    expect(asked).toBe(1)
  })

  it('[S0-14] is nothing that happens by itself: not on discovery, and not without `auto`', async () => {
    const { server, client } = registering()
    await client.ready()
    expect(server.at('/register')).toHaveLength(0)
    expect(() => createOAuthClient({ issuer, registration: { metadata } as never })).toThrowError(/registration.auto/)
  })

  it('[S0-14] remembers no failure', async () => {
    const { server, client, saved } = registering()
    server.script('/register', html503(), answer(raw, 201))
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', operation: 'register' })
    await client.clientCredentials()
    expect(saved).toHaveLength(1)
  })

  it('[S0-14] registers anew once the secret expired, here and in the store', async () => {
    const { server, client, saved, time } = registering()
    saved.push({ issuer, raw: { ...raw, client_secret_expires_at: time.nowMs / 1000 } })
    const good = { ...raw, client_secret_expires_at: time.nowMs / 1000 + 10 }
    server.script('/register', answer(good, 201))
    await client.introspect('t').catch(() => undefined)
    await client.introspect('t').catch(() => undefined)
    expect(server.at('/register')).toHaveLength(1)
    time.nowMs += 10_000
    server.script('/register', answer(raw, 201))
    await client.introspect('t').catch(() => undefined)
    expect(server.at('/register')).toHaveLength(2)
  })

  it('[S0-14] does not register twice when the answer cannot be saved, and uses nothing that was not', async () => {
    let broken = true
    let loads = 0
    const load = () => {
      loads += 1
      return undefined
    }
    const saved: unknown[] = []
    const save = (registration: StoredRegistration) => {
      if (broken) throw new Error('disk full: the-secret-of-the-disk-eyJhbGciOiJ')
      saved.push(registration)
    }
    const { server, client } = registering({ store: { load, save } })
    expect(await rejection(client.clientCredentials({}, { correlationId: 'mine' }))).toMatchObject({
      name: 'CredentialError',
      code: 'ERR_CREDENTIAL_UNAVAILABLE',
      message: 'The registration of this client cannot be saved',
      correlationId: 'mine',
    })
    expect(server.at('/token')).toHaveLength(0)
    broken = false
    await client.clientCredentials()
    expect(server.at('/register')).toHaveLength(1)
    expect(saved).toHaveLength(1)
    expect(loads).toBe(1)
  })

  it('[S0-14] refuses what another server registered, and a store that fails', async () => {
    const other = { load: () => ({ issuer: 'https://other.example', raw }), save: () => undefined }
    await expect(registering({ store: other }).client.revoke('t')).rejects.toMatchObject({
      code: 'ERR_CREDENTIAL_ISSUER',
    })
    const failing = { load: () => Promise.reject(new Error('down')), save: () => undefined }
    const { server, client } = registering({ store: failing })
    await expect(client.revoke('t')).rejects.toMatchObject({
      ...{ code: 'ERR_CREDENTIAL_UNAVAILABLE', message: expect.stringContaining('cannot be loaded') },
    })
    const nothing = registering({ store: { load: () => null as never, save: () => undefined } })
    await nothing.client.revoke('t')
    expect(nothing.server.at('/register')).toHaveLength(1)
    expect(server.at('/register')).toHaveLength(0)
  })

  it.each([
    ['holds no answer of a server', 'text', 'ERR_CREDENTIAL_UNAVAILABLE', '`raw`'],
    ['names no client', {}, 'ERR_RESPONSE_MALFORMED', ''],
    [
      'needs keys there are none of',
      { ...raw, token_endpoint_auth_method: 'private_key_jwt' },
      'ERR_REGISTRATION_UNUSABLE',
      '`keys` takes an array of at least one key',
    ],
  ])('[S0-14] refuses, as an error of the call, what is stored and %s', async (_name, kept, code, message) => {
    const { server, client, saved } = registering()
    saved.push({ issuer, raw: kept as never })
    expect(await rejection(client.revoke('t', { correlationId: 'mine' }))).toMatchObject({
      code,
      operation: 'revoke',
      correlationId: 'mine',
      message: expect.stringContaining(message),
    })
    expect(server.at('/register')).toHaveLength(0)
    expect(client.clientId).toBeUndefined()
  })

  it('[S0-14] takes a public client for one, and its TLS endpoints for one that authenticates by TLS', async () => {
    const open = registering({ metadata: { ...metadata, token_endpoint_auth_method: 'none' } })
    await expect(open.client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    const tls = registering({ metadata: { ...metadata, token_endpoint_auth_method: 'tls_client_auth' } })
    tls.server.metadata = { mtls_endpoint_aliases: { token_endpoint: 'https://mtls.example/token' } }
    tls.server.script('/register', answer({ client_id: 'registered' }, 201))
    await tls.client.clientCredentials()
    expect(tls.server.at('/token')[0]?.url).toBe('https://mtls.example/token')
    expect(tls.server.at('/token')[0]?.form.get('client_id')).toBe('registered')
  })
})
