import { LoginDeniedError, privateKeyJwt } from 'portcullis/client'
import {
  createProvider,
  createProviderFromSettings,
  type GithubLoginOptions,
  github,
  google,
  type MicrosoftLoginOptions,
  microsoft,
  oidc,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { answer, refusal, tokens } from '../../support/fake-token-endpoint.js'
import { idTokenClaims, redirectUri, signIdToken } from '../../support/login-set-up.js'
import { setUpProvider } from '../../support/provider-set-up.js'
import { githubAnswers, googleMetadata, microsoftMetadata } from './recorded-answers.js'

const client = { clientId: 'app', clientSecret: 'CANARY-secret' }
const tenant = '9f5a2c3e-0000-4000-8000-000000000000'
const other = '11111111-0000-4000-8000-000000000000'

describe('google', () => {
  const metadataPath = '/.well-known/openid-configuration'
  const setUp = (options = {}) => {
    const made = setUpProvider({}, google({ ...client, ...options }))
    made.server.script(metadataPath, answer(googleMetadata))
    made.server.script('/oauth2/v3/certs', (request, signal) =>
      made.server.fetch('https://accounts.google.com/jwks', { ...request, signal } as never),
    )
    return made
  }

  it('[S2-26] [S2-27] [C28] asks for consent and offline access, overridably', async () => {
    const { begin, provider } = setUp()
    expect(provider).toMatchObject({ name: 'google', issuer: 'https://accounts.google.com', type: 'oidc' })
    const sent = Object.fromEntries(new URL((await begin()).url).searchParams)
    expect(sent).toMatchObject({
      access_type: 'offline',
      prompt: 'consent',
      scope: 'openid email profile',
      code_challenge_method: 'S256',
    })
    expect(sent).not.toHaveProperty('hd')
    const own = setUp({ prompt: 'select_account', parameters: { access_type: 'online' }, scopes: ['openid'] })
    expect(Object.fromEntries(new URL((await own.begin()).url).searchParams)).toMatchObject({
      access_type: 'online',
      prompt: 'select_account',
      scope: 'openid',
    })
  })

  it('[S2-26] lets in the users of one domain by the ID token, not by what was asked', async () => {
    const { begin, back, provider, server } = setUp({ hostedDomain: 'example.com', idToken: { algorithms: ['ES256'] } })
    const redeem = async (claims: object) => {
      const request = await begin()
      expect(request.url).toContain('hd=example.com')
      const { nonce } = request.transaction
      const idToken = signIdToken(idTokenClaims({ iss: 'https://accounts.google.com', nonce, ...claims }))
      server.script('/token', tokens({ id_token: idToken }))
      return provider.redeem(back(request), request.transaction)
    }
    expect((await redeem({ hd: 'example.com' })).account).toEqual({
      issuer: 'https://accounts.google.com',
      subject: 'alice',
    })
    for (const hd of ['evil.example', undefined, 'EXAMPLE.com']) {
      const error = await rejection(redeem({ hd }))
      expect(error).toBeInstanceOf(LoginDeniedError)
      expect(error).toMatchObject({
        ...{ code: 'ERR_LOGIN_DENIED', issuer: 'https://accounts.google.com', error: 'access_denied' },
        detail: '`hd` of the ID token is not `hostedDomain`',
      })
    }
  })

  it('[S2-26] lets in the users of every domain where none is asked for', async () => {
    const { begin, back, provider, server } = setUp({ idToken: { algorithms: ['ES256'] } })
    const request = await begin()
    const claims = { iss: 'https://accounts.google.com', nonce: request.transaction.nonce, hd: 'example.com' }
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims(claims)) }))
    expect((await provider.redeem(back(request), request.transaction)).account.subject).toBe('alice')
  })

  it('[S2-26] [REV-01] revokes without client authentication, also what is gone', async () => {
    const { provider, server } = setUp()
    server.script('/revoke', answer({}), refusal('invalid_token'))
    expect(await provider.revoke({ accessToken: 'a', refreshToken: 'r' } as never)).toBe('revoked')
    const [first, second] = server.at('/revoke')
    expect(first).toMatchObject({ url: 'https://oauth2.googleapis.com/revoke', method: 'POST', body: 'token=r' })
    expect(first?.headers).not.toHaveProperty('authorization')
    expect(first?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(second?.body).toBe('token=a')
    server.script('/revoke', answer({}, 500))
    expect(await rejection(provider.revoke({ accessToken: 'a' } as never))).toMatchObject({
      code: 'ERR_SERVER_FAILURE',
    })
  })
})

describe('github', () => {
  const setUp = () => setUpProvider({}, github(client))

  it('[S2-28] [S1-18] signs in by the numeric id, with PKCE, and reads scopes with commas', async () => {
    const { begin, back, provider, server } = setUp()
    expect(provider).toMatchObject({ name: 'github', type: 'oauth2', discoveryMode: 'manual' })
    const request = await begin()
    expect(request.url).toMatch(/^https:\/\/github\.com\/login\/oauth\/authorize\?/)
    expect(Object.fromEntries(new URL(request.url).searchParams)).toMatchObject({
      scope: 'read:user user:email',
      code_challenge_method: 'S256',
      response_type: 'code',
    })
    server.script('/login/oauth/access_token', answer(githubAnswers.token))
    server.script('/user', answer(githubAnswers.user))
    const result = await provider.redeem(back(request), request.transaction)
    expect(result.account).toEqual({ issuer: 'https://github.com/login/oauth', subject: '583231' })
    expect(result.tokens).toMatchObject({
      scope: ['read:user', 'user:email'],
      expiresAt: 1_800_028_800,
      refreshExpiresAt: 1_815_811_200,
    })
    const [sent] = server.at('/login/oauth/access_token')
    expect(sent?.headers).toMatchObject({ accept: 'application/json' })
    expect(sent?.form.get('client_secret')).toBe('CANARY-secret')
    expect(server.at('/user')[0]?.headers).toMatchObject({
      authorization: 'Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a',
    })
    expect(server.requests).toHaveLength(2)
  })

  it('[S2-28] [C27] reads errors that come with status 200', async () => {
    const { begin, back, provider, server } = setUp()
    const request = await begin()
    server.script('/login/oauth/access_token', answer(githubAnswers.refusal))
    const error = await rejection(provider.redeem(back(request), request.transaction))
    expect(error).toMatchObject({ code: 'ERR_REFUSED', error: 'bad_verification_code', status: 200 })
    expect(JSON.stringify(error)).not.toContain('CANARY')
  })

  it('[S2-20] [S2-28] keeps the refresh token of apps that rotate none', async () => {
    const { provider, server } = setUp()
    server.script('/login/oauth/access_token', answer({ access_token: 'a2', token_type: 'bearer', scope: '' }))
    const next = await provider.refresh({ accessToken: 'a1', refreshToken: 'ghr_1', scope: [] } as never)
    expect(next).toMatchObject({ accessToken: 'a2', refreshToken: 'ghr_1', scope: [] })
  })

  it('[S2-29] [S1-23] revokes by the API of applications', async () => {
    const { provider, server } = setUp()
    server.script('/applications/app/token', () => new Response(null, { status: 204 }), answer({}, 404))
    expect(await provider.revoke({ accessToken: 'gho_a', refreshToken: 'ghr_r' } as never)).toBe('revoked')
    const [first, second] = server.at('/applications/app/token')
    expect(first).toMatchObject({
      url: 'https://api.github.com/applications/app/token',
      method: 'DELETE',
      body: '{"access_token":"ghr_r"}',
      headers: {
        ...{ authorization: `Basic ${btoa('app:CANARY-secret')}`, accept: 'application/vnd.github+json' },
        'content-type': 'application/json',
      },
    })
    expect(second?.body).toBe('{"access_token":"gho_a"}')
    server.script('/applications/app/token', answer({ message: 'CANARY' }, 422))
    expect(await rejection(provider.revoke({ accessToken: 'gho_a' } as never))).toMatchObject({
      code: 'ERR_HTTP_STATUS',
    })
  })

  it('needs a secret', () => {
    for (const options of [{ clientId: 'app' }, { clientId: 'app', clientSecret: '' }]) {
      expect(() => github(options as GithubLoginOptions)).toThrow('github needs `clientId` and `clientSecret`.')
    }
    expect(() => github({ clientSecret: 's' } as GithubLoginOptions)).toThrow('clientId')
  })
})

describe('microsoft', () => {
  async function redeem(
    options: MicrosoftLoginOptions,
    claims: object,
    metadata: object = microsoftMetadata,
    answered: Record<string, string> = {},
  ) {
    const preset = microsoft({ ...client, ...options, idToken: { algorithms: ['ES256'] } })
    const made = setUpProvider({}, preset)
    const path = new URL(preset.issuer as string).pathname
    made.server.script(`${path}/.well-known/openid-configuration`, answer(metadata))
    made.server.script('/common/discovery/v2.0/keys', (request, signal) =>
      made.server.fetch('https://login.microsoftonline.com/jwks', { ...request, signal } as never),
    )
    const request = await made.begin()
    const idToken = signIdToken(idTokenClaims({ nonce: request.transaction.nonce, ...claims }))
    made.server.script('/common/oauth2/v2.0/token', tokens({ id_token: idToken }))
    return made.provider.redeem(made.back(request, answered), request.transaction)
  }
  const of = (tid: string, iss = `https://login.microsoftonline.com/${tid}/v2.0`) => ({ iss, tid })

  it('[S2-30] takes the issuer of the tenant of the token, and that tenant for the account', async () => {
    const { account } = await redeem({ allowedTenants: [tenant.toUpperCase()] }, of(tenant))
    expect(account).toEqual({ issuer: `https://login.microsoftonline.com/${tenant}/v2.0`, subject: 'alice' })
    expect((await redeem({ allowedTenants: 'any' }, of(other))).account.issuer).toContain(other)
  })

  it.each([
    ['a tenant that is not allowed', of(other)],
    ['the placeholder itself', of('{tenantid}')],
    ['an issuer of another tenant than `tid`', { ...of(other), tid: tenant }],
    ['no `tid`', { ...of(tenant), tid: undefined }],
    ['a `tid` that is no GUID', of('common')],
    ['another host', of(tenant, `https://evil.example/${tenant}/v2.0`)],
  ])('[S2-30] refuses %s', async (_name, claims) => {
    expect(await rejection(redeem({ allowedTenants: [tenant] }, claims))).toMatchObject({ code: 'ERR_ID_TOKEN_ISSUER' })
  })

  it.each([
    ['the name of several tenants', of('common')],
    ['the placeholder itself', of('{tenantid}')],
    ['a number', { ...of('7'), tid: 7 }],
    ['an id after other text', of(`of/${other}`)],
    ['an id before other text', of(`${other}/of`)],
    ['a list', { ...of(other), tid: [other] }],
  ])('[S2-30] refuses %s for a tenant, also where every tenant is let in', async (_name, claims) => {
    expect(await rejection(redeem({ allowedTenants: 'any' }, claims))).toMatchObject({ code: 'ERR_ID_TOKEN_ISSUER' })
  })

  it('[S2-30] [AZ-04] holds `iss` of the answer to the allowed tenants', async () => {
    const answered = (iss: string) => redeem({ allowedTenants: [tenant] }, of(tenant), microsoftMetadata, { iss })
    expect((await answered(of(tenant).iss)).account.subject).toBe('alice')
    for (const iss of [
      of(other).iss,
      'https://login.microsoftonline.com/{tenantid}/v2.0',
      'https://evil.example',
      tenant,
    ]) {
      expect(await rejection(answered(iss)), iss).toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
    }
  })

  it('[S2-30] knows personal accounts, and single tenants', async () => {
    const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
    const issuer = `https://login.microsoftonline.com/${consumers}/v2.0`
    const metadata = { ...microsoftMetadata, issuer }
    expect((await redeem({ tenant: 'consumers' }, of(consumers), metadata)).account.issuer).toBe(issuer)
    const elsewhere = redeem({ tenant: 'organizations', allowedTenants: 'any' }, of(consumers), metadata)
    expect(await rejection(elsewhere)).toMatchObject({ code: 'ERR_DISCOVERY_ISSUER' })
    const refused = redeem({ tenant: 'consumers' }, of(tenant), metadata)
    expect(await rejection(refused)).toMatchObject({ code: 'ERR_ID_TOKEN_ISSUER' })
    const single = { ...microsoftMetadata, issuer: `https://login.microsoftonline.com/${tenant}/v2.0` }
    expect((await redeem({ tenant }, of(tenant), single)).account.subject).toBe('alice')
    expect(await rejection(redeem({ tenant }, of(other), single))).toMatchObject({ code: 'ERR_ID_TOKEN_ISSUER' })
    expect(await rejection(redeem({ tenant }, of(tenant)))).toMatchObject({ code: 'ERR_DISCOVERY_ISSUER' })
  })

  it('[S2-30] does not start without saying whose users may sign in', () => {
    for (const options of [
      {},
      { tenant: 'organizations' },
      { tenant, allowedTenants: [other] },
      { tenant, allowedTenants: [] },
      { allowedTenants: [] },
      { allowedTenants: ['contoso.com'] },
      { allowedTenants: [tenant, 'contoso.com'] },
      { allowedTenants: 'all' as never },
    ]) {
      expect(() => microsoft({ ...client, ...options })).toThrow('allowedTenants')
    }
    for (const named of ['contoso.com', `of/${tenant}`, `${tenant}/of`]) {
      expect(() => microsoft({ ...client, tenant: named })).toThrow('id of a tenant')
    }
  })

  it('[S2-30] [S1-23] cannot revoke', async () => {
    const made = setUpProvider({}, microsoft({ ...client, tenant }))
    const single = { ...microsoftMetadata, issuer: `https://login.microsoftonline.com/${tenant}/v2.0` }
    made.server.script(`/${tenant}/v2.0/.well-known/openid-configuration`, answer(single))
    expect(await made.provider.revoke({ accessToken: 'a' } as never)).toBe('unsupported')
  })
})

describe('oidc, and providers by settings', () => {
  it('[S2-23] takes an issuer and nothing else', async () => {
    const options = { name: 'corporate', issuer: 'https://as.example' }
    const { begin, server, issue, back, provider } = setUpProvider({}, oidc({ ...options, ...client }))
    const request = await begin()
    issue(request)
    await provider.redeem(back(request), request.transaction)
    expect(server.at('/token')[0]?.headers['authorization']).toBe(`Basic ${btoa('app:CANARY-secret')}`)
    expect(createProvider(oidc({ ...options, clientId: 'pub' })).clientId).toBe('pub')
    const credential = privateKeyJwt({
      clientId: 'jwt',
      keys: [{ kid: 'k', alg: 'ES256', sign: async (data) => data }],
    })
    expect(createProvider(oidc({ ...options, credential })).clientId).toBe('jwt')
    expect(createProvider(oidc({ ...options, ...client, credential })).clientId).toBe('jwt')
    for (const without of [options, { ...options, clientSecret: 's' }]) {
      expect(() => createProvider(oidc(without))).toThrow('clientId')
    }
    expect(() => createProvider(google({ ...client, scope: ['x'] } as never))).toThrow('scopes')
  })

  it('[S2-50] makes each kind by its name', () => {
    const kinds = [
      { provider: 'google', ...client },
      { provider: 'github', ...client },
      { provider: 'microsoft', ...client, allowedTenants: 'any' },
      { provider: 'oidc', name: 'corporate', issuer: 'https://as.example', ...client },
      {
        provider: 'custom',
        name: 'custom',
        type: 'oauth2',
        credential: google(client).credential,
        endpoints: {
          authorization: 'https://a.example/a',
          token: 'https://a.example/t',
          userinfo: 'https://a.example/u',
        },
      },
    ] as const
    const names = kinds.map((settings) => createProviderFromSettings(settings).name)
    expect(names).toEqual(['google', 'github', 'microsoft', 'corporate', 'custom'])
  })

  it.each(['gogle', 'toString', '__proto__', 'constructor', undefined])('[S2-50] knows no %s', (provider) => {
    expect(() => createProviderFromSettings({ provider, ...client } as never)).toThrow(
      '`provider` takes one of google, github, microsoft, oidc, custom.',
    )
    expect(() => createProviderFromSettings(undefined as never)).toThrow('google')
  })

  it('goes nowhere before the first call', async () => {
    const { server, provider } = setUpProvider({}, google(client))
    expect(server.requests).toEqual([])
    expect(await rejection(provider.authorizationRequest({ redirectUri, scopes: ['email'] }))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
    expect(server.requests).toEqual([])
  })
})
