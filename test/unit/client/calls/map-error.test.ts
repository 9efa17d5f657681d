import { inspect } from 'node:util'
import {
  ClientAuthenticationError,
  ClientCallError,
  ClientConfigurationError,
  CredentialError,
  DpopError,
  HttpResponseError,
  isOAuthClientError,
  NetworkError,
  OAuthClientError,
  OAuthResponseError,
  RateLimitedError,
  RequestTimeoutError,
  ResponseError,
  TokenExchangeError,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { type Attempt, createAttempt } from '../../../../src/client/calls/attempt.js'
import { errorTable, mapError } from '../../../../src/client/calls/map-error.js'
import { createRedact } from '../../../../src/client/redaction.js'
import type { ClientSettings } from '../../../../src/client/settings.js'
import { clientErrorTraits } from '../../../../src/errors/client-codes.js'
import { FetchFailure } from '../../../../src/kit/fetch/fetch-failure.js'
import { quickRetry, rejection, setUpClient } from '../../../support/client-set-up.js'
import {
  answer,
  type Behaviour,
  cutOff,
  html503,
  plain,
  rateLimited,
  refusal,
  reset,
  silent,
  tokens,
} from '../../../support/fake-token-endpoint.js'
import { setUpLogin } from '../../../support/login-set-up.js'

const context = { operation: 'clientCredentials', issuer: 'https://as.example', correlationId: 'the-correlation-id' }

function attemptWith(status: number, body: unknown, headers: Record<string, string> = {}): Attempt {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const attempt = createAttempt({} as ClientSettings, {
    context,
    expectsJson: true,
    signal: new AbortController().signal,
  })
  attempt.answer = {
    status,
    mediaType: 'application/json',
    retryAfterMs: undefined,
    headers: new Headers(headers),
    text,
    json: typeof body === 'string' ? undefined : (body as Record<string, unknown>),
  }
  return attempt
}

function map(error: unknown, attempt?: Attempt, further: { aborted?: boolean; operation?: string } = {}) {
  const { aborted = false, ...changed } = further
  return mapError(error, {
    context: { ...context, ...changed },
    attempt,
    signal: aborted ? AbortSignal.abort() : undefined,
  })
}

const coded = (code: string, cause?: unknown) => Object.assign(new Error('underneath', { cause }), { code })

/** One case for every row of the table, by its name. */
const rows: Readonly<
  Record<string, { readonly error: OAuthClientError; readonly type: unknown; readonly code: string }>
> = {
  'own error': {
    error: map(new Error('wrapped', { cause: new ResponseError('ERR_ISSUED_TOKEN_TYPE', context) })),
    type: ResponseError,
    code: 'ERR_ISSUED_TOKEN_TYPE',
  },
  'aborted by the caller': {
    error: map(new FetchFailure('timeout'), undefined, { aborted: true }),
    type: OAuthClientError,
    code: 'ERR_ABORTED',
  },
  timeout: { error: map(new FetchFailure('timeout')), type: RequestTimeoutError, code: 'ERR_TIMEOUT' },
  'no connection, redirect, or a URL or host that is refused': {
    error: map(new FetchFailure('redirect')),
    type: NetworkError,
    code: 'ERR_REDIRECT_REFUSED',
  },
  'answer too large': {
    error: map(new FetchFailure('too_large')),
    type: ResponseError,
    code: 'ERR_RESPONSE_TOO_LARGE',
  },
  'used up quota': {
    error: map(new Error(), attemptWith(429, { error: 'quota_exceeded' })),
    type: RateLimitedError,
    code: 'ERR_QUOTA_EXCEEDED',
  },
  '503': { error: map(new Error(), attemptWith(503, {})), type: HttpResponseError, code: 'ERR_UNAVAILABLE' },
  '429': { error: map(new Error(), attemptWith(429, {})), type: RateLimitedError, code: 'ERR_RATE_LIMITED' },
  '5xx': {
    error: map(new Error(), attemptWith(502, { error: 'invalid_grant' })),
    type: HttpResponseError,
    code: 'ERR_SERVER_FAILURE',
  },
  'DPoP refusal': {
    error: map(new Error(), attemptWith(400, { error: 'invalid_dpop_proof' })),
    type: DpopError,
    code: 'ERR_DPOP_PROOF',
  },
  'failed client authentication': {
    error: map(new Error(), attemptWith(401, { error: 'invalid_client' }), { operation: 'exchangeToken' }),
    type: ClientAuthenticationError,
    code: 'ERR_INVALID_CLIENT',
  },
  'refused token exchange': {
    error: map(new Error(), attemptWith(400, { error: 'invalid_target' }), { operation: 'exchangeToken' }),
    type: TokenExchangeError,
    code: 'ERR_INVALID_TARGET',
  },
  'protocol error in the body': {
    error: map(new Error(), attemptWith(200, { error: 'invalid_grant', error_uri: 'https://as.example/e' })),
    type: OAuthResponseError,
    code: 'ERR_INVALID_GRANT',
  },
  '401 without a protocol error': {
    error: map(new Error(), attemptWith(401, 'no')),
    type: HttpResponseError,
    code: 'ERR_INVALID_CLIENT',
  },
  'unexpected status': {
    error: map(coded('OAUTH_RESPONSE_IS_NOT_CONFORM'), attemptWith(202, {})),
    type: HttpResponseError,
    code: 'ERR_HTTP_STATUS',
  },
  'unknown token type': {
    error: map(coded('OAUTH_UNSUPPORTED_OPERATION'), attemptWith(200, {})),
    type: ResponseError,
    code: 'ERR_TOKEN_TYPE_UNUSABLE',
  },
  'unusable answer': {
    error: map(coded('OAUTH_INVALID_RESPONSE'), attemptWith(200, {})),
    type: ResponseError,
    code: 'ERR_RESPONSE_MALFORMED',
  },
  'missing endpoint': {
    error: map(coded('OAUTH_MISSING_SERVER_METADATA')),
    type: ClientConfigurationError,
    code: 'ERR_ENDPOINT_MISSING',
  },
  'endpoint that is not https': {
    error: map(coded('OAUTH_HTTP_REQUEST_FORBIDDEN')),
    type: NetworkError,
    code: 'ERR_INSECURE_URL',
  },
  'unusable argument': {
    error: map(coded('ERR_INVALID_ARG_VALUE')),
    type: ClientCallError,
    code: 'ERR_CLIENT_ARGUMENT',
  },
  'anything else': { error: map('a string'), type: OAuthClientError, code: 'ERR_UNEXPECTED' },
}

describe('the error table', () => {
  it.each(errorTable.map(({ name }) => name))('[S4-38] [S4-39] maps: %s', (name) => {
    const { error, type, code } = rows[name] as (typeof rows)[string]
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code, issuer: 'https://as.example', correlationId: 'the-correlation-id' })
  })

  it('tests no row that does not exist', () => {
    expect(Object.keys(rows).sort()).toEqual(errorTable.map(({ name }) => name).sort())
  })

  it.each([
    ['readRegistration', 'ERR_INVALID_TOKEN'],
    ['updateRegistration', 'ERR_INVALID_TOKEN'],
    ['deleteRegistration', 'ERR_INVALID_TOKEN'],
    ['userInfo', 'ERR_INVALID_TOKEN'],
    ['register', 'ERR_INVALID_CLIENT'],
    ['refresh', 'ERR_INVALID_CLIENT'],
  ])('tells a token from client authentication where a 401 to %s says nothing: %s', (operation, code) => {
    expect(map(new Error(), attemptWith(401, 'no'), { operation }).code).toBe(code)
  })

  it.each([[undefined], [null], [7], [{}]])('maps %j, where that is what was thrown', (thrown) => {
    expect(map(thrown)).toMatchObject({ code: 'ERR_UNEXPECTED', cause: expect.any(Error) })
  })

  it.each([
    ['OAUTH_TIMEOUT', 'ERR_TIMEOUT'],
    ['OAUTH_ABORT', 'ERR_TIMEOUT'],
    ['OAUTH_INVALID_SERVER_METADATA', 'ERR_ENDPOINT_MISSING'],
    ['OAUTH_REQUEST_PROTOCOL_FORBIDDEN', 'ERR_INSECURE_URL'],
    ['ERR_INVALID_ARG_TYPE', 'ERR_CLIENT_ARGUMENT'],
    ['OAUTH_UNSUPPORTED_OPERATION', 'ERR_CLIENT_ARGUMENT'],
    ['OAUTH_RESPONSE_IS_NOT_CONFORM', 'ERR_UNEXPECTED'],
    ['anything else', 'ERR_UNEXPECTED'],
  ])('[S4-38] maps %s of the library underneath, where there is no answer, to %s', (libraryCode, code) => {
    expect(map(coded(libraryCode)).code).toBe(code)
  })

  it('[REAL-25] maps whatever fails once the time of the caller is up to a timeout', () => {
    const signal = AbortSignal.abort(new DOMException('late', 'TimeoutError'))
    expect(mapError(new Error('broken off'), { context, attempt: undefined, signal }).code).toBe('ERR_TIMEOUT')
  })

  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('[S4-37] tells by %s that no connection came about', (code) => {
    expect(map(new FetchFailure('network', coded(code)))).toMatchObject({ code: 'ERR_CONNECTION' })
    expect(map(new FetchFailure('redirect', coded(code)))).toMatchObject({ code: 'ERR_REDIRECT_REFUSED' })
  })

  it.each([
    ['network', 'ERR_NETWORK'],
    ['redirect', 'ERR_REDIRECT_REFUSED'],
    ['insecure_url', 'ERR_INSECURE_URL'],
    ['private_address', 'ERR_PRIVATE_ADDRESS'],
    ['too_large', 'ERR_RESPONSE_TOO_LARGE'],
    ['timeout', 'ERR_TIMEOUT'],
    ['media_type', 'ERR_RESPONSE_MALFORMED'],
  ] as const)('[S4-38] maps a way out that ends with %s to %s', (reason, code) => {
    expect(map(new FetchFailure(reason)).code).toBe(code)
  })

  it('gives the error of a credential the context of the call', () => {
    const cause = new Error('disk')
    const mapped = map(
      new Error('wrapped', { cause: new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { message: 'No file', cause }) }),
    )
    expect(mapped).toMatchObject({ message: 'No file', operation: 'clientCredentials', cause })
  })

  it.each([
    ['invalid_request', 'ERR_INVALID_REQUEST'],
    ['invalid_client', 'ERR_INVALID_CLIENT'],
    ['invalid_grant', 'ERR_INVALID_GRANT'],
    ['unauthorized_client', 'ERR_UNAUTHORIZED_CLIENT'],
    ['unsupported_grant_type', 'ERR_UNSUPPORTED_GRANT_TYPE'],
    ['invalid_scope', 'ERR_INVALID_SCOPE'],
    ['invalid_target', 'ERR_INVALID_TARGET'],
    ['invalid_token', 'ERR_INVALID_TOKEN'],
    ['unsupported_token_type', 'ERR_UNSUPPORTED_TOKEN_TYPE'],
    ['server_error', 'ERR_SERVER_FAILURE'],
    ['invalid_redirect_uri', 'ERR_INVALID_REDIRECT_URI'],
    ['invalid_client_metadata', 'ERR_INVALID_CLIENT_METADATA'],
    ['invalid_software_statement', 'ERR_INVALID_SOFTWARE_STATEMENT'],
    ['unapproved_software_statement', 'ERR_UNAPPROVED_SOFTWARE_STATEMENT'],
    ['use_dpop_nonce', 'ERR_DPOP_NONCE'],
    ['interaction_required', 'ERR_INTERACTION_REQUIRED'],
    ['login_required', 'ERR_INTERACTION_REQUIRED'],
    ['invalid_dpop_proof', 'ERR_DPOP_PROOF'],
    ['consent_required', 'ERR_INTERACTION_REQUIRED'],
    ['account_selection_required', 'ERR_INTERACTION_REQUIRED'],
    ['insufficient_user_authentication', 'ERR_INTERACTION_REQUIRED'],
    ['unmet_authentication_requirements', 'ERR_INTERACTION_REQUIRED'],
    ['temporarily_unavailable', 'ERR_UNAVAILABLE'],
    ['anything_else', 'ERR_REFUSED'],
  ])('[AZ-08] [S0-67] [DPOP-C8] [STEP-07] reads the protocol error %s', async (error, code) => {
    const { server, client } = setUpClient()
    server.script('/token', refusal(error, 'why'))
    expect(await rejection(client.clientCredentials())).toMatchObject({ code, operation: 'clientCredentials' })
  })
})

describe('what goes wrong on the way', () => {
  it.each<[string, Behaviour, object]>([
    ['[S0-69] [S4-34] a broken connection', reset(), { code: 'ERR_NETWORK', category: 'network', retryable: true }],
    ['[S0-69] a body that breaks off', cutOff(), { code: 'ERR_NETWORK', retryable: true }],
    ['[S0-66] [S4-36] an HTML 503', html503(), { code: 'ERR_UNAVAILABLE', status: 503, category: 'server' }],
    [
      '[S0-72] [S4-31] 429 with seconds',
      rateLimited('3'),
      { code: 'ERR_RATE_LIMITED', category: 'rate_limit', retryAfterMs: 3000 },
    ],
    ['[S4-31] 429 with a date', rateLimited('Fri, 15 Jan 2027 08:01:00 GMT'), { retryAfterMs: 60_000 }],
    ['429 with nonsense', rateLimited('soon'), { code: 'ERR_RATE_LIMITED', retryAfterMs: undefined }],
    [
      '[C27] a protocol error with status 200',
      refusal('bad_verification_code', 'expired', 200),
      { code: 'ERR_REFUSED', status: 200 },
    ],
    [
      '[S0-71] 401 with a challenge and a body',
      refusal('invalid_client', 'no', 401, { 'www-authenticate': 'Basic realm="as"' }),
      { code: 'ERR_INVALID_CLIENT', name: 'ClientAuthenticationError' },
    ],
    [
      '401 with a challenge alone',
      plain('', 'text/plain', 401),
      { code: 'ERR_INVALID_CLIENT', name: 'HttpResponseError' },
    ],
    [
      '[REAL-30] 401 with unauthorized_client',
      refusal('unauthorized_client', 'Invalid client or Invalid client credentials', 401),
      { code: 'ERR_INVALID_CLIENT', name: 'ClientAuthenticationError', error: 'unauthorized_client', status: 401 },
    ],
    [
      '[REAL-30] 401 with invalid_client',
      refusal('invalid_client', undefined, 401),
      { code: 'ERR_INVALID_CLIENT', name: 'ClientAuthenticationError' },
    ],
    ['400 with unauthorized_client', refusal('unauthorized_client'), { code: 'ERR_UNAUTHORIZED_CLIENT' }],
    [
      '[S4-37] a used up quota',
      answer({ error: 'quota_exceeded' }, 429, { 'retry-after': '3600' }),
      { code: 'ERR_QUOTA_EXCEEDED', category: 'rate_limit', name: 'RateLimitedError', retryAfterSeconds: 3600 },
    ],
    [
      '[S4-37] a used up quota as a problem',
      answer({ type: 'https://iana.org/assignments/http-problem-types#quota-exceeded' }, 429),
      { code: 'ERR_QUOTA_EXCEEDED' },
    ],
    ['[S4-37] 429 that is no JSON', plain('slow down', 'text/plain', 429), { code: 'ERR_RATE_LIMITED' }],
    [
      '[S4-37] no connection',
      () =>
        Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
      { code: 'ERR_CONNECTION', name: 'NetworkError', category: 'network', retryable: true },
    ],
    ['[S4-37] 502', plain('', 'text/html', 502), { code: 'ERR_SERVER_FAILURE', category: 'server' }],
    ['[S4-37] 500', plain('', 'text/html', 500), { code: 'ERR_SERVER_FAILURE', status: 500 }],
    [
      '400 without a protocol error',
      plain('no such page', 'text/html', 400),
      { code: 'ERR_HTTP_STATUS', status: 400, bodySnippet: 'no such page' },
    ],
    [
      'a 429 about another problem',
      answer({ type: 'https://as.example/problems#busy' }, 429),
      { code: 'ERR_RATE_LIMITED' },
    ],
    ['garbage', plain('%%%'), { code: 'ERR_RESPONSE_MALFORMED' }],
    ['404', plain('nothing here', 'text/plain', 404), { code: 'ERR_HTTP_STATUS', status: 404 }],
    ['201', answer({ access_token: 'a', token_type: 'Bearer' }, 201), { code: 'ERR_HTTP_STATUS', status: 201 }],
    [
      'a redirect',
      () => new Response(null, { status: 307, headers: { location: 'https://evil.example/' } }),
      { code: 'ERR_REDIRECT_REFUSED' },
    ],
    [
      'an answer of 300 KiB',
      plain(JSON.stringify({ access_token: 'a'.repeat(300_000) })),
      { code: 'ERR_RESPONSE_TOO_LARGE' },
    ],
    ['[S4-35] no answer', silent(), { code: 'ERR_TIMEOUT', name: 'RequestTimeoutError', retryable: true }],
  ])('%s', async (_name, behaviour, expected) => {
    const isSilent = 'code' in expected && expected.code === 'ERR_TIMEOUT'
    const { server, client } = setUpClient({ timeoutMs: isSilent ? 20 : 30_000 })
    server.script('/token', behaviour)
    const error = await rejection(client.clientCredentials({}, { correlationId: 'mine' }))
    expect(isOAuthClientError(error)).toBe(true)
    expect(error).toMatchObject({
      ...expected,
      correlationId: 'mine',
      operation: 'clientCredentials',
      issuer: 'https://as.example',
    })
  })

  it('[S4-37] repeats nothing for a used up quota', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', answer({ error: 'quota_exceeded' }, 429))
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_QUOTA_EXCEEDED' })
    expect(server.at('/token')).toHaveLength(1)
  })

  it('tells a body that never ends as a timeout', async () => {
    const { server, client } = setUpClient({ timeoutMs: 50 })
    server.script(
      '/token',
      () =>
        new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array([123])) }), {
          headers: { 'content-type': 'application/json' },
        }),
    )
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('[D18] goes to private hosts that the options name', async () => {
    const { server, client } = setUpClient({ endpoints: { token: 'https://10.0.0.2/token' } })
    await client.clientCredentials()
    expect(server.at('/token').map(({ url }) => url)).toEqual(['https://10.0.0.2/token'])
  })

  it('[D18] goes to no host of the metadata that is not on the public internet', async () => {
    const { server, client } = setUpClient()
    server.metadata = { token_endpoint: 'https://169.254.169.254/token' }
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    expect(server.requests).toHaveLength(1)
  })
})

describe('an error of the client', () => {
  it('[S4-27] [S4-37] [S4-49] has code, category, correlation id and a JSON view without cause or body', async () => {
    const { server, client } = setUpClient()
    server.script('/token', html503({ 'x-request-id': 'req-1', server: 'lb' }))
    const error = (await rejection(client.clientCredentials())) as HttpResponseError
    expect(error.bodySnippet).toContain('503 Service Unavailable')
    expect(error.headers).toEqual({ 'content-type': 'text/html', 'x-request-id': 'req-1', server: 'lb' })
    const view = JSON.parse(JSON.stringify(error))
    expect(view).toEqual({
      name: 'HttpResponseError',
      message: 'The authorization server is not available for a while',
      code: 'ERR_UNAVAILABLE',
      category: 'server',
      retryable: true,
      correlationId: error.correlationId,
      operation: 'clientCredentials',
      issuer: 'https://as.example',
      status: 503,
      headers: error.headers,
    })
    expect(error.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('[S4-27] [S4-49] has the correlation id of the call wherever it comes from, and so have the events', async () => {
    const { server, client, events } = setUpClient()
    const options = { correlationId: 'mine' }
    server.script('/token', tokens({ token_type: 'mac' }), tokens({ issued_token_type: undefined }))
    server.script('/introspect', refusal('invalid_request'))
    const errors = await Promise.all([
      rejection(client.clientCredentials({ resource: '#' }, options)),
      rejection(client.exchangeToken({ subjectToken: 'a b' }, options)),
      rejection(client.clientCredentials({}, options)),
      rejection(client.introspect('t', options)),
    ])
    errors.push(await rejection(client.exchangeToken({ subjectToken: 't' }, options)))
    for (const error of errors) {
      expect(error).toMatchObject({ correlationId: 'mine', issuer: 'https://as.example' })
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({ correlationId: 'mine' })
    }
    const odd = setUpClient({ dpop: true })
    odd.server.metadata = { dpop_signing_alg_values_supported: 7 }
    expect(await rejection(odd.client.clientCredentials({}, options))).toMatchObject({
      code: 'ERR_DISCOVERY_INVALID',
      correlationId: 'mine',
      operation: 'clientCredentials',
    })
    const told = events.filter((event) => event.type === 'client.attempt' && event.operation !== 'discovery')
    expect(told.map((event) => 'correlationId' in event && event.correlationId)).toEqual(['mine', 'mine', 'mine'])
  })

  it('[S4-49] generates one id per call, for its error and its events', async () => {
    const { server, client, events } = setUpClient()
    server.script('/token', tokens({ issued_token_type: undefined }))
    const error = (await rejection(client.exchangeToken({ subjectToken: 't' }))) as OAuthClientError
    expect(events.at(-1)).toMatchObject({ operation: 'exchangeToken', correlationId: error.correlationId })
  })

  it('[REAL-15] belongs to one call, also where calls share a request or a discovery', async () => {
    const { server, client } = setUpClient()
    server.script('/token', refusal('invalid_grant'))
    await client.ready()
    const refresh = { refreshToken: 'the-token' }
    const two = ['one', 'two'].map((correlationId) => rejection(client.refresh(refresh, { correlationId })))
    const [one, other] = (await Promise.all(two)) as OAuthClientError[]
    expect(server.at('/token')).toHaveLength(1)
    expect(one).not.toBe(other)
    expect([one?.correlationId, other?.correlationId]).toEqual(['one', 'two'])
    expect(other).toMatchObject({ name: 'OAuthResponseError', code: 'ERR_INVALID_GRANT', error: 'invalid_grant' })

    const lost = setUpClient()
    lost.server.script('/.well-known/oauth-authorization-server', html503({ 'retry-after': '2' }))
    const calls = ['one', 'two'].map((correlationId) => rejection(lost.client.revoke('t', { correlationId })))
    const failures = (await Promise.all(calls)) as OAuthClientError[]
    expect(failures.map(({ correlationId }) => correlationId)).toEqual(['one', 'two'])
    expect(failures[1]).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE', retryAfterMs: 2000, retryAfterSeconds: 2 })
  })

  it.each([
    ['application/json; charset=utf-8', true],
    ['application/vnd.as-1+json', true],
    ['application/vnd.as+json-seq', false],
    ['x-application/as+json', false],
    ['application/jsonp', false],
    ['text/json', false],
  ])('reads tokens out of an answer of the type %s: %s', async (type, isRead) => {
    const { server, client } = setUpClient()
    server.script('/token', plain('{"access_token":"a","token_type":"Bearer"}', type))
    const unexpectedType = expect.objectContaining({ message: expect.stringContaining('media type') })
    const [outcome] = await Promise.allSettled([client.clientCredentials()])
    expect(outcome?.status === 'rejected' ? outcome.reason : 'read').toEqual(
      isRead ? 'read' : expect.objectContaining({ code: 'ERR_RESPONSE_MALFORMED', cause: unexpectedType }),
    )
  })

  it.each([
    [201, 'text/html'],
    [299, 'text/plain'],
    [503, 'application/json'],
    [503, 'application/problem+json'],
  ])(
    'tells nothing of the body of an answer of status %i that is %s, which may hold what was issued',
    async (status, type) => {
      const { server, client } = setUpLogin()
      server.script('/userinfo', plain('CANARY of an account', type, status))
      const error = (await rejection(client.userInfo('token'))) as HttpResponseError
      expect(error.status).toBe(status)
      expect(error.bodySnippet).toBe('')
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
    },
  )

  it('hides what was sent where the server gives it back', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      (request, signal) => refusal('invalid_grant', `unknown: ${request.form.get('refresh_token')}`)(request, signal),
      ({ headers }) => new Response(`<p>${headers['authorization']}</p>`, { status: 503 }),
    )
    const refused = await rejection(client.refresh({ refreshToken: 'CANARY-refresh' }))
    expect(refused).toMatchObject({ errorDescription: 'unknown: [redacted]' })
    const failed = (await rejection(client.refresh({ refreshToken: 'CANARY-refresh' }))) as HttpResponseError
    expect(failed.bodySnippet).toMatch(/^<p>Basic \[redacted\]/)
  })

  it.each<[string, Record<string, unknown>, object | undefined]>([
    [
      'texts',
      { acr_values: 'urn:a urn:b', max_age: '60', scope: 'read' },
      { acrValues: ['urn:a', 'urn:b'], maxAgeSeconds: 60, scope: ['read'] },
    ],
    ['a number', { max_age: 60, acr_values: 7 }, { acrValues: ['7'], maxAgeSeconds: 60, scope: [] }],
    [
      'other types',
      { max_age: true, acr_values: ['urn:a'], scope: {} },
      { acrValues: [], maxAgeSeconds: undefined, scope: [] },
    ],
    ['a time that is none', { max_age: '60s' }, { acrValues: [], maxAgeSeconds: undefined, scope: [] }],
    [
      'text that may not stand in a challenge',
      { acr_values: 'urn:"a', scope: 'r\u00e9ad', max_age: '' },
      { acrValues: [], maxAgeSeconds: undefined, scope: [] },
    ],
    [
      'text of 1,024 characters',
      { scope: 's '.repeat(512) },
      { acrValues: [], maxAgeSeconds: undefined, scope: Array(512).fill('s') },
    ],
    ['text without end', { scope: `${'s '.repeat(512)}s` }, { acrValues: [], maxAgeSeconds: undefined, scope: [] }],
    [
      'what was sent',
      { acr_values: 'urn:a CANARY-refresh', scope: 'read CANARY-refresh' },
      { acrValues: ['urn:a'], maxAgeSeconds: undefined, scope: ['read'] },
    ],
  ])('[STEP-07] takes out of a refusal for a step-up: %s', async (_name, members, stepUp) => {
    const { server, client } = setUpClient()
    server.script('/token', answer({ error: 'insufficient_user_authentication', ...members }, 400))
    expect(await rejection(client.refresh({ refreshToken: 'CANARY-refresh' }))).toMatchObject({ stepUp })
  })

  it('[STEP-07] takes no step-up out of any other refusal', async () => {
    const { server, client } = setUpClient()
    server.script('/token', answer({ error: 'invalid_grant', acr_values: 'urn:a' }, 400))
    expect((await rejection(client.clientCredentials())) as OAuthResponseError).toMatchObject({ stepUp: undefined })
  })

  it('[REAL-25] tells no seconds to wait where the server asked for none', () => {
    expect(new OAuthClientError('ERR_NETWORK').retryAfterSeconds).toBeUndefined()
    expect(new OAuthClientError('ERR_UNAVAILABLE', { retryAfterMs: 1001 }).retryAfterSeconds).toBe(2)
  })

  it('[S0-65] is recognised, by brand, and nothing else is', () => {
    expect(isOAuthClientError(new OAuthClientError('ERR_UNEXPECTED'))).toBe(true)
    expect(isOAuthClientError(new Error())).toBe(false)
    expect(isOAuthClientError({ code: 'ERR_NETWORK' })).toBe(false)
  })

  it('[S4-37] knows eight categories', () => {
    const categories = new Set(Object.values(clientErrorTraits).map(({ category }) => category))
    expect([...categories].sort()).toEqual([
      'auth',
      'dpop',
      'login',
      'network',
      'pkce',
      'rate_limit',
      'server',
      'validation',
    ])
  })

  it('masks secrets, JWTs, long keys and control characters, and cuts what is long', () => {
    const redact = createRedact(['abcd', 'abcdefgh'])
    expect(redact('x abcdefgh y abcd\r\nz')).toBe('x [redacted] y [redacted] z')
    expect(redact(`a eyJhbGciOi.eyJzdWIi.sig b`)).toBe('a [redacted] b')
    expect(redact(`a ${'k'.repeat(40)} b`)).toBe('a [redacted] b')
    expect(redact('word '.repeat(100))).toHaveLength(256)
  })
})
