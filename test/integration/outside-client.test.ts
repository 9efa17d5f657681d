import { decodeJwt } from 'jose'
import {
  type AuthorizationRequest,
  createOAuthClient,
  credentialOf,
  type DeviceAuthorization,
  GrantTypes,
  type IdentifiedTokens,
  type OAuthClient,
  type RegisteredClient,
  type TokenSet,
} from 'portcullis/client'
import { createProvider, oidc, openTransaction, sealTransaction } from 'portcullis/login'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type AuthorizationServer,
  followToRedirect,
  startAuthorizationServer,
} from '../support/authorization-server.js'
import { rejection } from '../support/client-set-up.js'

const api = 'https://api.example/v1'
const other = 'https://other.example/v1'
const redirectUri = 'http://127.0.0.1:8400/callback'
const common = { allowInsecureLoopback: true, retry: false } as const

/** What a program from outside does with `portcullis/client` and nothing else: each step takes what the ones before made. */
describe('an outside client at a real authorization server', () => {
  const cookies = new Map<string, string>()
  let server: AuthorizationServer
  let anonymous: OAuthClient
  let registered: RegisteredClient
  let client: OAuthClient
  let request: AuthorizationRequest
  let callback: URL
  let login: IdentifiedTokens
  let refreshed: TokenSet
  let exchanged: TokenSet
  let device: DeviceAuthorization
  beforeAll(async () => {
    // The server says that its pages for devices are those of the box.
    vi.spyOn(console, 'info').mockImplementation(() => {})
    server = await startAuthorizationServer({
      resources: { [api]: { scopes: ['read'] }, [other]: { scopes: ['read'] } },
      requireDpopNonce: true,
    })
    anonymous = createOAuthClient({ issuer: server.issuer, ...common })
  })
  afterAll(() => server.close())

  it('1. [S0-28] discovers the server without being known to it', async () => {
    expect((await anonymous.ready()).issuer).toBe(server.issuer)
  })

  it('2. [S0-28] finds its endpoints', async () => {
    const endpoints = await anonymous.describeEndpoints()
    for (const name of ['token', 'authorization', 'userinfo', 'deviceAuthorization', 'endSession', 'jwks'] as const) {
      expect(endpoints[name]?.url, name).toContain(server.issuer)
    }
  })

  it('3. [DCR-01] registers, for pushed requests and bound tokens', async () => {
    registered = await anonymous.register({
      client_name: 'Outside',
      redirect_uris: [redirectUri],
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: [
        GrantTypes.authorizationCode,
        GrantTypes.refreshToken,
        GrantTypes.clientCredentials,
        GrantTypes.tokenExchange,
        GrantTypes.deviceCode,
      ],
      response_types: ['code'],
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    })
    expect(registered.clientSecret).toBeDefined()
  })

  it('4. [S0-35] makes the credential of the registration', () => {
    const credential = credentialOf(registered)
    expect(credential.method).toBe('client_secret_basic')
    client = createOAuthClient({ issuer: server.issuer, credential, dpop: true, ...common })
    expect(client.clientId).toBe(registered.clientId)
  })

  it('5. [PKCE-03] is refused a request that is not pushed', async () => {
    const direct = await client.authorizationRequest({ redirectUri, scope: 'openid', par: 'never' })
    const answer = await fetch(direct.url, { redirect: 'manual' })
    expect(answer.headers.get('location') ?? (await answer.text())).toMatch(/Pushed|invalid_request/)
  })

  it('6. [PAR-01] [PAR-02] pushes its request, with PKCE, state, nonce and the key', async () => {
    request = await client.authorizationRequest({
      redirectUri,
      scope: 'openid offline_access read',
      resource: api,
      prompt: 'consent',
      maxAgeSeconds: 300,
      par: 'always',
    })
    expect([...new URL(request.url).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  })

  it('7. [AZ-04] comes back with code, state and iss', async () => {
    callback = await followToRedirect(new URL(request.url), redirectUri, cookies)
    expect([...callback.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state'])
  })

  it('8. [AZ-02] [AZ-04] refuses a changed state and another issuer, and spends nothing', async () => {
    const changed = (name: string) => {
      const url = new URL(callback)
      url.searchParams.set(name, 'https://evil.example')
      return client.exchangeCode({ callback: url, request })
    }
    expect(await rejection(changed('state'))).toMatchObject({ code: 'ERR_LOGIN_STATE' })
    expect(await rejection(changed('iss'))).toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
  })

  it('9. [PKCE-02] [DPOP-C4] redeems the code, with the nonce that the server demands', async () => {
    login = await client.exchangeCode({ callback, request })
    expect(login.tokens.tokenType).toBe('DPoP')
    expect(login.tokens.refreshToken).toBeDefined()
  })

  it('10. [OIDC-01] [OIDC-04] knows who signed in, and when', () => {
    expect(login.claims).toMatchObject({ iss: server.issuer, sub: 'user-1', aud: registered.clientId })
    expect(login.claims?.['auth_time']).toBeTypeOf('number')
    expect(login.claims).not.toHaveProperty('nonce')
  })

  it('11. [OIDC-01] [OIDC-06] refuses the ID token once a letter of it changed', async () => {
    const { idToken = '', accessToken } = login.tokens
    expect((await client.verifyIdToken(idToken, { accessToken })).sub).toBe('user-1')
    const [header, payload = '', signature] = idToken.split('.')
    const claims = Buffer.from(payload, 'base64url').toString().replace('user-1', 'user-2')
    const forged = `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`
    expect(await rejection(client.verifyIdToken(forged, {}))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE' })
  })

  it('12. [OIDC-03] refuses the ID token for another login', async () => {
    const { idToken = '' } = login.tokens
    expect(await rejection(client.verifyIdToken(idToken, { nonce: 'another' }))).toMatchObject({
      code: 'ERR_ID_TOKEN_NONCE',
    })
  })

  it('13. [DPOP-C3] has a token that is bound to its key and meant for the resource', async () => {
    const claims = decodeJwt(login.tokens.accessToken)
    expect(claims).toMatchObject({ aud: api, cnf: { jkt: await client.dpop?.thumbprint() } })
  })

  it('14. [DPOP-C3] proves its key at the resource', async () => {
    const { accessToken } = login.tokens
    const proof = await client.dpop?.proof({ method: 'GET', url: `${api}/me`, accessToken })
    expect(decodeJwt(proof ?? '')).toMatchObject({ htm: 'GET', htu: `${api}/me` })
  })

  it('15. [OIDC-07] asks userinfo with a token for it, and refuses another user', async () => {
    const begun = await client.authorizationRequest({ redirectUri, scope: 'openid', par: 'always' })
    const back = await followToRedirect(new URL(begun.url), redirectUri, cookies)
    const { tokens, claims } = await client.exchangeCode({ callback: back, request: begun })
    expect(await client.userInfo(tokens.accessToken, { expectedSubject: claims?.sub })).toEqual({ sub: 'user-1' })
    expect(await rejection(client.userInfo(tokens.accessToken, { expectedSubject: 'user-2' }))).toMatchObject({
      code: 'ERR_LOGIN_SUBJECT',
    })
  })

  it('16. [INTR-01] introspects its token', async () => {
    expect(await client.introspect(login.tokens.refreshToken as string)).toMatchObject({ active: true, sub: 'user-1' })
  })

  it('17. [AZ-09] [OIDC-08] refreshes with rotation, and stays the same user', async () => {
    const { refreshToken = '' } = login.tokens
    refreshed = await client.refresh({ refreshToken, previous: login.tokens })
    expect(refreshed.refreshToken).not.toBe(refreshToken)
    expect(refreshed.idToken).not.toBe(login.tokens.idToken)
    expect(decodeJwt(refreshed.idToken as string).sub).toBe('user-1')
  })

  it('18. [OIDC-08] [F3] would refuse a refresh that is about somebody else', async () => {
    const begun = await client.authorizationRequest({
      redirectUri,
      scope: 'openid',
      loginHint: 'user-2',
      par: 'always',
    })
    const back = await followToRedirect(new URL(begun.url), redirectUri)
    const { tokens } = await client.exchangeCode({ callback: back, request: begun })
    const next = client.refresh({ refreshToken: refreshed.refreshToken as string, previous: tokens })
    expect(await rejection(next)).toMatchObject({ code: 'ERR_ID_TOKEN_SUBJECT_CHANGED' })
    const mine = await client.authorizationRequest({
      redirectUri,
      scope: 'openid offline_access read',
      resource: api,
      prompt: 'consent',
      par: 'always',
    })
    const answer = await followToRedirect(new URL(mine.url), redirectUri, cookies)
    refreshed = (await client.exchangeCode({ callback: answer, request: mine })).tokens
  })

  it('19. [CC-01] gets a token for itself', async () => {
    expect((await client.clientCredentials({ resource: api, scope: 'read' })).tokenType).toBe('DPoP')
  })

  it('20. [TX-01] exchanges the token of the user for another service', async () => {
    exchanged = await client.exchangeToken({ subjectToken: refreshed.accessToken, resource: other, scope: 'read' })
    expect(decodeJwt(exchanged.accessToken)).toMatchObject({ aud: other, sub: 'user-1' })
  })

  it('21. [TX-01] is named in it as the one who acts', () => {
    expect(decodeJwt(exchanged.accessToken)).toMatchObject({ act: { sub: registered.clientId } })
  })

  it('22. [REV-01] [REV-02] revokes the refresh token', async () => {
    await client.revoke(refreshed.refreshToken as string, { tokenTypeHint: 'refresh_token' })
    expect(await client.introspect(refreshed.refreshToken as string)).toMatchObject({ active: false })
  })

  it('23. [AZ-09] cannot refresh any more', async () => {
    const again = client.refresh({ refreshToken: refreshed.refreshToken as string })
    expect(await rejection(again)).toMatchObject({ code: 'ERR_INVALID_GRANT', retryable: false })
  })

  it('24. [AZ-02] cannot redeem the code again', async () => {
    expect(await rejection(client.exchangeCode({ callback, request }))).toMatchObject({ code: 'ERR_INVALID_GRANT' })
  })

  it('25. [S1-09] begins a login on another device', async () => {
    device = await client.deviceAuthorization({ scope: 'openid' })
    expect(device.verificationUriComplete).toContain(device.userCode)
    expect(device.expiresAt).toBeGreaterThan(Date.now() / 1000)
  })

  it('26. [S1-09] gets its tokens once the user has agreed there', async () => {
    await agreeOnDevice(device.verificationUriComplete as string, device.userCode)
    const { tokens, claims } = await pollAtOnce(device)
    expect(claims).toMatchObject({ sub: 'user-1', aud: registered.clientId })
    expect(tokens.tokenType).toBe('DPoP')
  })

  it('27. [LOGO-01] knows where the user signs out', async () => {
    const url = await client.endSessionUrl({ idTokenHint: login.tokens.idToken })
    expect((await fetch(url as string, { redirect: 'manual' })).status).toBe(200)
  })

  it('28. [DCR-08] [DCR-09] deletes its registration, and is nobody again', async () => {
    const read = await anonymous.readRegistration(registered)
    await anonymous.deleteRegistration(read)
    expect(await rejection(client.clientCredentials({ resource: api }, { forceRefresh: true }))).toMatchObject({
      code: 'ERR_INVALID_CLIENT',
    })
  })
})

/** Types the code in, confirms it, and signs in, as a user would. */
async function agreeOnDevice(page: string, userCode: string): Promise<void> {
  const cookies = new Map<string, string>()
  let url = new URL(page)
  let form: Record<string, string> | undefined
  for (let hop = 0; hop < 12; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const body = form && new URLSearchParams(form)
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      ...(body && { body }),
      headers: { cookie },
      redirect: 'manual',
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    const html = await response.text()
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(html)?.[1]
    if (location !== null) {
      url = new URL(location, url)
      form = undefined
    } else if (xsrf !== undefined) {
      const action = /action="([^"]+)"/.exec(html)?.[1] ?? url.href
      url = new URL(action, url)
      form = { xsrf, user_code: userCode, confirm: 'yes' }
    } else return
  }
}

/** The first question of a poll, without the 5 s before it. */
function pollAtOnce(device: DeviceAuthorization): Promise<IdentifiedTokens> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const polling = device.poll()
    vi.advanceTimersByTime(device.intervalSeconds * 1000)
    return polling
  } finally {
    vi.useRealTimers()
  }
}

describe('a provider at a real authorization server', () => {
  let server: AuthorizationServer
  beforeAll(async () => {
    server = await startAuthorizationServer({ resources: { [api]: { scopes: ['read'] } } })
  })
  afterAll(() => server.close())

  it('[S1-01] [S1-13] [S1-14] [S1-23] signs a user in, refreshes, revokes', async () => {
    const { clientId, redirectUri: uri } = server.clients.app
    const scopes = ['openid', 'offline_access']
    const options = { name: 'corporate', issuer: server.issuer, clientId, scopes, fetchUserInfo: true, ...common }
    const provider = createProvider(oidc(options))
    const { url, transaction } = await provider.authorizationRequest({ redirectUri: uri, prompt: 'consent' })
    const keys = [{ id: 'a', secret: new Uint8Array(32).fill(7) }]
    const cookie = await sealTransaction(transaction, keys, 'cookie')
    const callback = await followToRedirect(new URL(url), uri)
    const opened = await openTransaction(cookie, keys, 'cookie')
    const result = await provider.redeem(callback, opened as never)
    expect(result.account).toEqual({ issuer: server.issuer, subject: 'user-1' })
    expect(result.userInfo).toEqual({ sub: 'user-1' })
    const next = await provider.refresh(result.tokens)
    expect(next.refreshToken).not.toBe(result.tokens.refreshToken)
    expect(await provider.revoke(next)).toBe('revoked')
    expect(await rejection(provider.refresh(next))).toMatchObject({ code: 'ERR_INVALID_GRANT' })
  })

  it('[S1-16] finds nothing wrong with it before anybody signs in', async () => {
    // Its end-session page fails without a session, and says so.
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { clientId, redirectUri: uri } = server.clients.app
    const options = { name: 'corporate', issuer: server.issuer, clientId, scopes: ['openid'], ...common }
    const report = await createProvider(oidc(options)).preflight({ redirectUri: uri, checkClient: true })
    expect(report.steps.filter(({ status }) => status === 'failure')).toEqual([])
    expect(report.steps.find(({ name }) => name === 'client')?.status).toBe('success')
    const stranger = createProvider(oidc({ ...options, clientId: 'stranger' }))
    const refused = await stranger.preflight({ checkClient: true })
    expect(refused.steps.find(({ name }) => name === 'client')).toMatchObject({ status: 'failure' })
  })
})
