import { OAuthClientError, OAuthResponseError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { type ClientErrorCode, clientErrorTraits } from '../../../src/errors/client-codes.js'
import { endings, maySpend } from '../../../src/login/refresh-failures.js'

const codes = Object.keys(clientErrorTraits) as ClientErrorCode[]
const responseError = (code: ClientErrorCode, status: number) =>
  new OAuthResponseError(code as 'ERR_REFUSED', { status, error: 'some_error' })

describe('what a failed refresh says of the refresh token', () => {
  it('[S1-14] is that it may be spent, but for failures before it was sent, and refusals that leave it as it was', () => {
    const asBefore = codes.filter((code) => !maySpend(new OAuthClientError(code)))
    expect(asBefore.sort()).toEqual([
      'ERR_CIRCUIT_OPEN',
      'ERR_CLIENT_ARGUMENT',
      'ERR_CLIENT_CLOSED',
      'ERR_CONNECTION',
      'ERR_CREDENTIAL_EXPIRED',
      'ERR_CREDENTIAL_ISSUER',
      'ERR_CREDENTIAL_UNAVAILABLE',
      'ERR_DISCOVERY_INVALID',
      'ERR_DISCOVERY_ISSUER',
      'ERR_DISCOVERY_UNAVAILABLE',
      'ERR_DPOP_NONCE',
      'ERR_DPOP_PROOF',
      'ERR_ENDPOINT_MISSING',
      'ERR_INSECURE_URL',
      'ERR_PRIVATE_ADDRESS',
      'ERR_QUOTA_EXCEEDED',
      'ERR_RATE_LIMITED',
    ])
  })

  it('[S1-14] is that it is as good as before where the server refused the request, and not where it failed', () => {
    const spent = [400, 401, 403, 429, 499, 500, 503].map((status) => maySpend(responseError('ERR_REFUSED', status)))
    expect(spent).toEqual([false, false, false, false, false, true, true])
  })

  it('[D02] ends a session for two reasons alone', () => {
    expect([...endings]).toEqual([
      ['ERR_INVALID_GRANT', 'invalid_grant'],
      ['ERR_ID_TOKEN_SUBJECT_CHANGED', 'subject_changed'],
    ])
  })
})
