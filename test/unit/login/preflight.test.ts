import { github, type ProviderOptions } from 'portcullis/login'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import {
  answer,
  type Behaviour,
  html503,
  plain,
  refusal,
  reset,
  silent,
  tokens,
} from '../../support/fake-token-endpoint.js'
import { jwkSet } from '../../support/key-material.js'
import { redirectUri } from '../../support/login-set-up.js'
import { setUpProvider } from '../../support/provider-set-up.js'

const date = { date: new Date(1_800_000_000_000).toUTCString() }
const page = answer({}, 400, date)
const paths = ['/token', '/introspect', '/revoke', '/register', '/par', '/authorize', '/userinfo', '/device', '/logout']

/** A provider at which all is well, but for what is scripted. */
function setUp(options: Partial<ProviderOptions> = {}, scripts: Record<string, Behaviour> = {}) {
  const made = setUpProvider(options)
  made.server.metadata = {
    ...made.server.metadata,
    scopes_supported: ['openid', 'profile', 'email'],
    code_challenge_methods_supported: ['S256'],
  }
  for (const path of paths) made.server.script(path, page)
  for (const [path, behaviour] of Object.entries(scripts)) made.server.script(path, behaviour)
  return made
}

const stepOf = async (name: string, { provider }: ReturnType<typeof setUp>, options = {}) => {
  const { steps } = await provider.preflight(options)
  return steps.find((step) => step.name === name)
}

describe('a preflight', () => {
  it('[S1-16] tries everything in order, and reports', async () => {
    const { provider } = setUp()
    const report = await provider.preflight({ redirectUri })
    expect(report).toMatchObject({ provider: 'corporate', ok: true, failed: 0, warnings: 0 })
    expect(report.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'config success',
      'discovery success',
      'endpoints success',
      'jwks success',
      'scopes success',
      'pkce success',
      'redirect_uri success',
      'client skipped',
      'clock success',
    ])
    expect(report.startedAt).toBe(new Date(1_800_000_000_000).toISOString())
    expect(report.completedAt).toBe(report.startedAt)
    for (const { durationMs } of [report, ...report.steps]) expect(durationMs).toBeGreaterThanOrEqual(0)
    expect(Object.isFrozen(report)).toBe(true)
    expect(JSON.stringify(report)).not.toContain('CANARY')
  })

  it('[S1-16] says in words what each try found', async () => {
    const told = async (made: ReturnType<typeof setUp>, options = {}) => {
      const { steps } = await made.provider.preflight(options)
      return Object.fromEntries(steps.map(({ name, status, message, details }) => [name, [status, message, details]]))
    }
    const good = setUp()
    const paged = Object.fromEntries(
      ['token', 'introspection', 'revocation', 'registration', 'pushedAuthorizationRequest', 'authorization']
        .concat(['userinfo', 'deviceAuthorization', 'endSession'])
        .map((name) => [name, 400]),
    )
    expect(await told(good, { redirectUri })).toEqual({
      config: [
        ...['success', 'The options hold together'],
        { type: 'oidc', discoveryMode: 'auto', scopes: ['openid', 'profile', 'email'], issuer: 'https://as.example' },
      ],
      discovery: ['success', 'The metadata was found, and is that of the issuer', {}],
      endpoints: ['success', 'Every endpoint answers', { ...paged, jwks: 200 }],
      jwks: ['success', 'There are keys for ID tokens', { published: 1, usable: 1, algorithms: ['ES256'] }],
      scopes: ['success', 'The server lists every scope that is asked for', {}],
      pkce: ['success', 'The server checks PKCE with S256', {}],
      redirect_uri: ['success', 'The redirect URI can be right', {}],
      client: ['skipped', 'Not asked for: `checkClient`, or `--check-client` of the command', {}],
      clock: ['success', 'The clocks agree', { seconds: 0 }],
    })
    const bad = setUp({ scopes: ['openid', 'x', 'y'], fetchUserInfo: true })
    bad.server.metadata = {
      ...bad.server.metadata,
      ...{ jwks_uri: undefined, userinfo_endpoint: undefined, code_challenge_methods_supported: ['plain'] },
    }
    bad.server.script('/par', html503())
    bad.server.script('/token', refusal('invalid_client', undefined, 401))
    const found = await told(bad, { redirectUri: 'http://app.example/cb', checkClient: true })
    expect(found).toMatchObject({
      discovery: [
        ...['warning', 'The metadata does not have jwks_uri, userinfo_endpoint'],
        { missing: ['jwks_uri', 'userinfo_endpoint'] },
      ],
      endpoints: ['warning', 'Answering with an error of the server: pushedAuthorizationRequest', { token: 401 }],
      jwks: ['failure', 'The metadata does not say where the keys are', {}],
      scopes: ['warning', 'The server does not list x, y', { unknown: ['x', 'y'] }],
      pkce: ['failure', 'The server does not know S256', { methods: ['plain'] }],
      redirect_uri: ['failure', 'The redirect URI is no https URL (http on loopback hosts), or has a fragment', {}],
      client: ['failure', expect.any(String), { code: 'ERR_INVALID_CLIENT' }],
    })
    bad.server.metadata = {
      ...{ ...bad.server.metadata, jwks_uri: 'https://as.example/jwks' },
      ...{ id_token_signing_alg_values_supported: ['RS256', 5], scopes_supported: 'x' },
      ...{ code_challenge_methods_supported: 'S256' },
    }
    bad.server.script('/token', tokens())
    expect(await told(bad, { checkClient: true })).toMatchObject({
      jwks: [
        ...['failure', 'No published key fits the algorithms of ID tokens'],
        { published: 1, usable: 0, algorithms: ['RS256'] },
      ],
      scopes: ['skipped', 'The server does not list its scopes', {}],
      pkce: ['warning', 'The server does not say that it checks PKCE', {}],
      redirect_uri: ['skipped', 'No redirect URI was given', {}],
      client: ['failure', 'The server took a code that it never issued', {}],
    })
    bad.server.script('/token', refusal('invalid_grant'))
    expect((await told(bad, { checkClient: true }))['client']).toEqual([
      ...['success', 'The server knows this client', { error: 'invalid_grant' }],
    ])
    const lost = setUp()
    lost.server.script('/.well-known/openid-configuration', html503())
    expect(await told(lost)).toMatchObject({
      endpoints: ['skipped', 'There are no endpoints', {}],
      clock: ['skipped', 'No answer told the time', {}],
    })
  })

  it('[S1-16] fails nothing for what a manual provider does not have, and wants userinfo where it is asked for', async () => {
    const manual = setUpProvider({}, github({ clientId: 'app', clientSecret: 's' }))
    for (const path of ['/login/oauth/authorize', '/login/oauth/access_token', '/login/device/code', '/user']) {
      manual.server.script(path, page)
    }
    const { steps } = await manual.provider.preflight()
    const messages = Object.fromEntries(steps.map(({ name, message }) => [name, message]))
    expect(messages).toMatchObject({ discovery: 'All endpoints are given', jwks: 'There are no ID tokens' })
    const without = (member: string, options: Partial<ProviderOptions> = {}) => {
      const made = setUp(options)
      made.server.metadata = { ...made.server.metadata, [member]: undefined }
      return stepOf('discovery', made)
    }
    expect(await without('userinfo_endpoint')).toMatchObject({ status: 'success' })
    for (const fetchUserInfo of [true, 'optional'] as const) {
      expect(await without('userinfo_endpoint', { fetchUserInfo })).toMatchObject({
        ...{ status: 'warning', details: { missing: ['userinfo_endpoint'] } },
      })
    }
    expect(await without('authorization_endpoint')).toMatchObject({ details: { missing: ['authorization_endpoint'] } })
    expect(await without('token_endpoint')).toMatchObject({ details: { missing: ['token_endpoint'] } })
  })

  it('[S1-16] counts what failed and what it warns of, and asks for what it sends', async () => {
    const made = setUp({ headers: { 'x-tenant': '7' } }, { '/revoke': html503(), '/token': reset() })
    const report = await made.provider.preflight({ checkClient: true })
    expect([report.ok, report.failed, report.warnings, report.steps.length]).toEqual([false, 2, 0, 9])
    expect(Object.isFrozen(report.steps) && Object.isFrozen(report.steps[0])).toBe(true)
    for (const { headers } of made.server.at('/userinfo'))
      expect(headers).toMatchObject({ accept: '*/*', 'x-tenant': '7' })
    const asked = setUp({}, { '/token': refusal('invalid_grant') })
    await asked.provider.preflight({ checkClient: true })
    const sent = asked.server.at('/token').find(({ method }) => method === 'POST')
    expect(sent?.form.get('redirect_uri')).toBe('https://portcullis.invalid/preflight')
    expect(sent?.form.get('code_verifier')).toMatch(/^[\da-f-]{72}$/)
  })

  it('[S1-16] tells a server that cannot be found, and what follows from it', async () => {
    const { provider, server } = setUp()
    server.script('/.well-known/openid-configuration', html503())
    const report = await provider.preflight()
    expect(report).toMatchObject({ ok: false, failed: 2 })
    const found = Object.fromEntries(report.steps.map(({ name, status, details }) => [name, [status, details['code']]]))
    expect(found).toMatchObject({
      discovery: ['failure', 'ERR_DISCOVERY_UNAVAILABLE'],
      endpoints: ['skipped', undefined],
      jwks: ['failure', undefined],
      scopes: ['skipped', undefined],
      pkce: ['warning', undefined],
      clock: ['skipped', undefined],
    })
  })

  it('[S1-16] warns of members the metadata does not have', async () => {
    const made = setUp({ fetchUserInfo: true })
    made.server.metadata = { ...made.server.metadata, jwks_uri: undefined, userinfo_endpoint: undefined }
    expect(await stepOf('discovery', made)).toMatchObject({
      status: 'warning',
      details: { missing: ['jwks_uri', 'userinfo_endpoint'] },
    })
  })

  it('[S1-16] reaches each endpoint by a GET without credentials and without following redirects', async () => {
    const elsewhere = () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } })
    const odd = () => new Response(new Uint8Array([0xff]), { headers: { 'content-type': 'text/html' } })
    const made = setUp(
      {},
      { '/authorize': elsewhere, '/logout': odd, '/par': plain('x'.repeat(2_000_000), 'text/html') },
    )
    const step = await stepOf('endpoints', made)
    expect(step).toMatchObject({ status: 'success', details: { token: 400, authorization: 302, endSession: 200 } })
    expect(step?.details['pushedAuthorizationRequest']).toBe(200)
    for (const path of paths) {
      const [request] = made.server.at(path)
      expect(request?.method).toBe('GET')
      expect(request?.headers).not.toHaveProperty('authorization')
    }
    expect(made.server.requests.some(({ url }) => url.includes('evil'))).toBe(false)
  })

  it('[S1-16] warns of endpoints that fail, and fails for those that cannot be reached', async () => {
    const failing = await stepOf('endpoints', setUp({}, { '/revoke': html503() }))
    expect(failing).toMatchObject({ status: 'warning', message: expect.stringContaining('revocation') })
    const broken = await stepOf('endpoints', setUp({}, { '/revoke': html503(), '/token': reset() }))
    expect(broken).toMatchObject({ status: 'failure', message: 'Not reachable: token', details: { token: 'network' } })
    const hidden = setUp()
    hidden.server.metadata = { ...hidden.server.metadata, token_endpoint: 'https://10.0.0.1/token' }
    expect(await stepOf('endpoints', hidden)).toMatchObject({ details: { token: 'private_address' } })
  })

  it('[S1-16] wants a key for the algorithms of ID tokens', async () => {
    const step = async (algorithms: unknown, options: Partial<ProviderOptions> = {}) => {
      const made = setUp(options)
      made.server.metadata = { ...made.server.metadata, id_token_signing_alg_values_supported: algorithms }
      return stepOf('jwks', made)
    }
    expect(await step(['RS256', 'ES256', 'none'])).toMatchObject({
      ...{ status: 'success', details: { published: 1, usable: 1, algorithms: ['RS256', 'ES256'] } },
    })
    expect(await step(['RS256'])).toMatchObject({ status: 'failure', details: { published: 1, usable: 0 } })
    expect(await step(undefined)).toMatchObject({ status: 'failure', details: { algorithms: ['RS256'] } })
    expect(await step(undefined, { idToken: { algorithms: ['ES256'] } })).toMatchObject({ status: 'success' })
    expect(await stepOf('jwks', setUp({}, { '/jwks': html503() }))).toMatchObject({
      status: 'failure',
      details: { code: 'ERR_KEYS_UNAVAILABLE' },
    })
  })

  it('[S1-16] compares the scopes, and looks for S256', async () => {
    expect(await stepOf('scopes', setUp({ scopes: ['openid', 'reports'] }))).toMatchObject({
      status: 'warning',
      details: { unknown: ['reports'] },
    })
    const made = setUp()
    made.server.metadata = {
      ...made.server.metadata,
      scopes_supported: undefined,
      code_challenge_methods_supported: ['plain'],
    }
    expect(await stepOf('scopes', made)).toMatchObject({ status: 'skipped' })
    expect(await stepOf('pkce', made)).toMatchObject({ status: 'failure', details: { methods: ['plain'] } })
    made.server.metadata = { ...made.server.metadata, code_challenge_methods_supported: undefined }
    expect(await stepOf('pkce', made)).toMatchObject({ status: 'warning' })
  })

  it('[S1-16] judges a redirect URI', async () => {
    expect(await stepOf('redirect_uri', setUp())).toMatchObject({ status: 'skipped' })
    expect(await stepOf('redirect_uri', setUp(), { redirectUri: 'http://app.example/cb' })).toMatchObject({
      status: 'failure',
    })
  })

  it('[S1-16] asks whether the server knows the client, if told to', async () => {
    const ask = async (behaviour: Behaviour) => {
      const made = setUp(
        {},
        { '/token': (request, signal) => (request.method === 'GET' ? page : behaviour)(request, signal) },
      )
      const step = await stepOf('client', made, { checkClient: true, redirectUri })
      const sent = made.server.at('/token').find(({ method }) => method === 'POST')
      expect(Object.fromEntries(sent?.form ?? [])).toMatchObject({
        code: 'portcullis-preflight',
        redirect_uri: redirectUri,
      })
      return step
    }
    expect(await ask(refusal('invalid_grant'))).toMatchObject({
      status: 'success',
      details: { error: 'invalid_grant' },
    })
    expect(await ask(refusal('invalid_client', undefined, 401))).toMatchObject({
      status: 'failure',
      details: { code: 'ERR_INVALID_CLIENT' },
    })
    expect(await ask(refusal('unauthorized_client'))).toMatchObject({ status: 'failure' })
    expect(await ask(tokens())).toMatchObject({ status: 'failure', message: expect.stringContaining('never issued') })
    expect(await ask(html503())).toMatchObject({ status: 'failure', details: { code: 'ERR_UNAVAILABLE' } })
    const made = setUp({}, { '/token': refusal('invalid_grant') })
    expect(await stepOf('client', made, { checkClient: true })).toMatchObject({ status: 'success' })
  })

  it('[S1-16] compares the clocks', async () => {
    const late = answer({}, 400, { date: new Date(1_800_000_000_000 - 61_000).toUTCString() })
    const step = await stepOf('clock', setUp({}, Object.fromEntries(paths.map((path) => [path, late]))))
    expect(step).toMatchObject({
      ...{ status: 'failure', details: { seconds: 61 } },
      message: 'This clock and that of the server are more than 60 s apart',
    })
    for (const [seconds, status] of [
      [60, 'success'],
      [-60, 'success'],
      [-61, 'failure'],
    ] as const) {
      const told = answer({}, 400, { date: new Date(1_800_000_000_000 - seconds * 1000).toUTCString() })
      const made = setUp({}, Object.fromEntries(paths.map((path) => [path, told])))
      expect(await stepOf('clock', made)).toMatchObject({ status, details: { seconds } })
    }
  })

  it('[S1-16] is for servers without OpenID Connect, too', async () => {
    const { provider, server } = setUpProvider({}, github({ clientId: 'app', clientSecret: 's' }))
    for (const path of ['/login/oauth/authorize', '/login/oauth/access_token', '/login/device/code', '/user']) {
      server.script(path, page)
    }
    const report = await provider.preflight()
    expect(report.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'config success',
      'discovery skipped',
      'endpoints success',
      'jwks skipped',
      'scopes skipped',
      'pkce warning',
      'redirect_uri skipped',
      'client skipped',
      'clock success',
    ])
  })

  it('ends when its time is up, with what it knows', async () => {
    let nowMs = 0
    const made = setUp({ monotonicClock: () => (nowMs += 16_000) }, { '/jwks': silent(), '/token': silent() })
    const report = await made.provider.preflight()
    expect(report.ok).toBe(false)
    expect(report.steps).toHaveLength(9)
    expect(report.steps.filter(({ message }) => message === 'The time of the preflight was up').length).toBeGreaterThan(
      0,
    )
  })

  it('[S1-16] gives its tries 30 s together, and says how long they took', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 })
    onTestFinished(() => void vi.useRealTimers())
    const slow: Behaviour = async (request, signal) => {
      await new Promise((resolve) => setTimeout(resolve, 9000))
      return page(request, signal)
    }
    const made = setUp({ monotonicClock: () => 5000 + Date.now() }, { '/token': slow })
    const running = made.provider.preflight()
    await vi.advanceTimersByTimeAsync(9000)
    const { ok, durationMs, steps } = await running
    expect([ok, durationMs]).toEqual([true, 9000])
    expect(steps.map((step) => step.durationMs)).toEqual([0, 0, 9000, 0, 0, 0, 0, 0, 0])
  })

  it('[S1-16] counts what it warns of, and names each endpoint that fails', async () => {
    const made = setUp({ scopes: ['openid', 'reports'] }, { '/revoke': answer({}, 500), '/token': html503() })
    const report = await made.provider.preflight()
    expect([report.ok, report.failed, report.warnings]).toEqual([true, 0, 2])
    expect(report.steps[2]?.message).toBe('Answering with an error of the server: token, revocation')
  })

  it('[S1-16] asks an endpoint in the own network only where the application gave it', async () => {
    const token = 'https://10.0.0.1/token'
    const given = setUp({ endpoints: { token } })
    expect(await stepOf('endpoints', given)).toMatchObject({ status: 'success', details: { token: 400 } })
  })

  it('[S1-16] wants no keys of a server without OpenID Connect', async () => {
    const made = setUp({ type: 'oauth2', scopes: [] })
    made.server.metadata = { ...made.server.metadata, jwks_uri: undefined }
    expect(await stepOf('discovery', made)).toMatchObject({ status: 'success' })
  })

  it('takes no options it does not know', async () => {
    expect(await rejection(setUp().provider.preflight({ redirectUrl: 'x' } as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: expect.stringMatching(/^preflight has no option `redirectUrl`.*`redirectUri`/),
    })
    expect(jwkSet('k1').keys).toHaveLength(1)
  })
})
