import { describe, expect, it } from 'vitest'
import { FetchFailure, type FetchFailureReason, isFetchFailureReason } from '../../../../src/kit/fetch/fetch-failure.js'

const every: Readonly<Record<FetchFailureReason, RegExp>> = {
  insecure_url: /https/,
  private_address: /public internet/,
  network: /connection/,
  timeout: /in time/,
  redirect: /redirect/,
  too_large: /too large/,
  not_utf8: /UTF-8/,
  status: /status/,
  media_type: /media type/,
  malformed: /malformed/,
  issuer_mismatch: /another issuer/,
  jwks_uri_missing: /jwks_uri/,
  no_usable_key: /usable key/,
}

describe('a FetchFailure', () => {
  it.each(Object.entries(every) as [FetchFailureReason, RegExp][])('says what %s means', (reason, words) => {
    const failure = new FetchFailure(reason)
    expect(failure.message).toMatch(words)
    expect('cause' in failure).toBe(false)
    expect(isFetchFailureReason(reason)).toBe(true)
  })

  it('keeps what it is due to, and how long the server asked to be left alone', () => {
    const cause = new Error('broken')
    expect(new FetchFailure('network', cause, 7000)).toMatchObject({ reason: 'network', cause, retryAfterMs: 7000 })
  })

  it.each([undefined, '', 'Timeout', 'constructor', 'a secret'])('has no reason %s', (text) => {
    expect(isFetchFailureReason(text)).toBe(false)
  })
})
