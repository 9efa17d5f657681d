import { NetworkError, OAuthClientError, OAuthResponseError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { type ClientErrorCode, clientErrorTraits } from '../../../../src/errors/client-codes.js'
import { AccessDeniedError, InternalError, InvalidTokenError, UnavailableError } from '../../../../src/errors/index.js'
import { failureAnswer, failureOf } from '../../../../src/login/web/login-failures.js'
import { requestFacts } from '../../../support/request-facts.js'

const page = requestFacts({ headers: { accept: 'text/html' } })
const program = requestFacts({ headers: { accept: 'application/json' } })

const unavailable = (code: string, seconds = 5) => ({
  status: 503,
  error: 'temporarily_unavailable',
  title: 'Signing in does not work at the moment',
  sentence: 'Please try again in a moment.',
  code,
  headers: { 'Retry-After': String(seconds) },
})

describe('what a failed login says', () => {
  it.each<[string, Error, object | undefined]>([
    [
      'a store that does not answer',
      new UnavailableError('ERR_STORE_UNAVAILABLE'),
      unavailable('ERR_STORE_UNAVAILABLE'),
    ],
    [
      'the word of onLogin',
      new AccessDeniedError(),
      {
        status: 403,
        error: 'access_denied',
        title: 'No access',
        sentence: 'You are signed in at the provider, but you have no access to this application.',
        code: 'ERR_CLAIM_REQUIREMENT',
      },
    ],
    ['a token that is no good', new InvalidTokenError('ERR_TOKEN_MALFORMED'), undefined],
    ['a fault of the application', new InternalError(new TypeError('a bug'), 'onLogin'), undefined],
    ['a bug', new TypeError('a bug'), undefined],
    ['a server that is not to be reached', new NetworkError('ERR_CONNECTION'), unavailable('ERR_CONNECTION')],
    [
      'a server that says when',
      new OAuthClientError('ERR_RATE_LIMITED', { retryAfterMs: 20_000 }),
      unavailable('ERR_RATE_LIMITED', 20),
    ],
    [
      'no login of this browser',
      new OAuthClientError('ERR_LOGIN_TRANSACTION'),
      {
        status: 400,
        error: 'login_failed',
        title: 'Please start again',
        sentence: 'This login was not started in this browser, was finished before, or took too long.',
        code: 'ERR_LOGIN_TRANSACTION',
      },
    ],
    [
      'the word of the user',
      new OAuthClientError('ERR_LOGIN_DENIED'),
      {
        status: 403,
        error: 'access_denied',
        title: 'You did not sign in',
        sentence: 'The login was cancelled or denied.',
        code: 'ERR_LOGIN_DENIED',
      },
    ],
    [
      'the word of the server',
      new OAuthResponseError('ERR_INVALID_GRANT', { status: 400, error: 'invalid_grant', errorDescription: 'CANARY' }),
      {
        status: 400,
        error: 'login_failed',
        title: 'The login did not work',
        sentence: `${clientErrorTraits.ERR_INVALID_GRANT.message}.`,
        code: 'ERR_INVALID_GRANT',
      },
    ],
  ])('is fixed for %s', (_what, error, failure) => {
    expect(failureOf(error)).toEqual(failure)
  })

  it('is 503 for every failure that another try may mend, and for no other', () => {
    const codes = Object.keys(clientErrorTraits) as ClientErrorCode[]
    for (const code of codes) {
      const error = new OAuthClientError(code)
      expect([code, failureOf(error)?.status === 503]).toEqual([code, error.retryable])
    }
  })

  it('is a page for people, everything escaped, and JSON for programs', () => {
    const failure = {
      ...{ status: 418, error: 'teapot', title: 'No <coffee>', sentence: 'Tea & cake' },
      ...{ code: 'ERR_<X>', againUrl: 'https://app.example/auth/login?a="b"&c', headers: { 'Retry-After': '7' } },
    }
    const shown = failureAnswer(page, failure, ['a=b'])
    expect(shown).toMatchObject({
      status: 418,
      headers: { 'Retry-After': '7', 'Set-Cookie': ['a=b'], 'Content-Type': 'text/html; charset=utf-8' },
    })
    expect(shown.body).toContain('<h1>No &lt;coffee&gt;</h1>')
    expect(shown.body).toContain(
      '<p>Tea &amp; cake</p>\n<p><a class="b" href="https://app.example/auth/login?a=&quot;b&quot;&amp;c">Start again</a></p>\n<p><code>ERR_&lt;X&gt;</code></p>\n</main>',
    )
    const { code: _code, againUrl: _url, ...least } = failure
    expect(failureAnswer(page, least).body).toContain('<h1>No &lt;coffee&gt;</h1>\n<p>Tea &amp; cake</p>\n</main>')
    expect(failureAnswer(page, least).headers).not.toHaveProperty('Set-Cookie')
    expect(failureAnswer(program, failure, ['a=b'])).toEqual({
      status: 418,
      headers: {
        ...{ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' },
        ...{ 'Content-Type': 'application/json', 'Retry-After': '7', 'Set-Cookie': ['a=b'] },
      },
      body: '{"error":"teapot","error_description":"Tea & cake","code":"ERR_<X>"}',
    })
  })
})
