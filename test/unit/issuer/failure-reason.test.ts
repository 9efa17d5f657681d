import { describe, expect, it } from 'vitest'
import { ConfigurationError, UnavailableError } from '../../../src/errors/index.js'
import { reasonOf } from '../../../src/issuer/failure-reason.js'
import { FetchFailure } from '../../../src/kit/fetch/fetch-failure.js'

describe('reasonOf', () => {
  it('names known failures, and says nothing of unknown ones', () => {
    expect(reasonOf(new FetchFailure('timeout'))).toBe('timeout')
    expect(reasonOf(new UnavailableError('ERR_DISCOVERY_UNAVAILABLE', { detail: 'status' }))).toBe('status')
    expect(reasonOf(new ConfigurationError('text'))).toBe('ERR_CONFIGURATION')
    expect(reasonOf(new Error('with a secret'))).toBe('unexpected')
    expect(reasonOf(undefined)).toBe('unexpected')
  })
})
