import { describe, expect, expectTypeOf, it } from 'vitest'
import { isOAuthClientError, ResponseError } from '../../../src/client/errors.js'
import { clientErrorTraits } from '../../../src/errors/client-codes.js'
import {
  AccessDeniedError,
  AuthError,
  type AuthErrorCode,
  type ClientErrorCode,
  ConfigurationError,
  DpopNonceRequiredError,
  errorDescriptions,
  InsufficientScopeError,
  InternalError,
  InvalidProofError,
  InvalidRequestError,
  InvalidTokenError,
  isAuthError,
  isPortcullisError,
  MissingTokenError,
  PortcullisError,
  ResourceAccessError,
  StepUpRequiredError,
  TokenStoreError,
  UnavailableError,
} from '../../../src/errors/index.js'

const table: readonly (readonly [AuthError, string, number, string | undefined])[] = [
  [new MissingTokenError(), 'ERR_TOKEN_MISSING', 401, undefined],
  [new InvalidRequestError('ERR_REQUEST_MALFORMED'), 'ERR_REQUEST_MALFORMED', 400, 'invalid_request'],
  [new InvalidRequestError('ERR_REQUEST_AMBIGUOUS'), 'ERR_REQUEST_AMBIGUOUS', 400, 'invalid_request'],
  [new InvalidTokenError('ERR_TOKEN_EXPIRED'), 'ERR_TOKEN_EXPIRED', 401, 'invalid_token'],
  [new InsufficientScopeError('a b'), 'ERR_SCOPE_INSUFFICIENT', 403, 'insufficient_scope'],
  [new InsufficientScopeError(undefined), 'ERR_AUTHORIZATION_DETAILS', 403, 'insufficient_scope'],
  [new StepUpRequiredError({}), 'ERR_STEP_UP_REQUIRED', 401, 'insufficient_user_authentication'],
  [new InvalidProofError('ERR_PROOF_TARGET'), 'ERR_PROOF_TARGET', 401, 'invalid_dpop_proof'],
  [new DpopNonceRequiredError('nonce-1'), 'ERR_PROOF_NONCE', 401, 'use_dpop_nonce'],
  [new AccessDeniedError(), 'ERR_CLAIM_REQUIREMENT', 403, undefined],
  [new AccessDeniedError('ERR_ROLE_INSUFFICIENT'), 'ERR_ROLE_INSUFFICIENT', 403, undefined],
  [new AccessDeniedError('ERR_ORIGIN_FORBIDDEN'), 'ERR_ORIGIN_FORBIDDEN', 403, undefined],
  [new UnavailableError('ERR_KEYS_UNAVAILABLE'), 'ERR_KEYS_UNAVAILABLE', 503, undefined],
  [new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'broken'), 'ERR_TOKEN_STORE_CORRUPT', 503, undefined],
  [new ConfigurationError('write https'), 'ERR_CONFIGURATION', 500, undefined],
  [new InternalError('thrown by a callback'), 'ERR_INTERNAL', 500, undefined],
]

const clientTexts = Object.entries(clientErrorTraits).map(([code, { message }]) => [code, message] as const)
const allDescriptions = { ...errorDescriptions, ...Object.fromEntries(clientTexts) }

describe('a refusal', () => {
  it.each(table)('%s: %s is %i %s', (error, code, status, oauthError) => {
    expect(error).toBeInstanceOf(AuthError)
    expect(error).toBeInstanceOf(Error)
    expect([error.code, error.status, error.oauthError]).toEqual([code, status, oauthError])
    expect(error.name).toBe(error.constructor.name)
    expect(error.description).toBe(errorDescriptions[error.code])
  })

  it('keeps detail and cause for the log, out of message, description and JSON', () => {
    const cause = new Error('cause-text')
    const error = new InvalidTokenError('ERR_TOKEN_EXPIRED', { detail: 'exp is in the past', cause })
    expect(error.detail).toBe('exp is in the past')
    expect(error.cause).toBe(cause)
    expect(error.message).toBe('The access token expired')
    expect(error.description).toBe(error.message)
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'InvalidTokenError',
      code: 'ERR_TOKEN_EXPIRED',
      status: 401,
      message: 'The access token expired',
      detail: 'exp is in the past',
    })
  })

  it('has no cause property when there is none', () => {
    expect('cause' in new MissingTokenError()).toBe(false)
  })

  it('[HTTP-08] [BEAR-08] describes itself in characters a challenge may carry', () => {
    for (const [code, text] of Object.entries(allDescriptions)) {
      expect(text, code).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    }
  })
})

describe('what only some refusals carry', () => {
  it('a nonce, a scope, a step-up demand', () => {
    expect(new DpopNonceRequiredError('nonce-1').nonce).toBe('nonce-1')
    expect(new InsufficientScopeError('a b').scope).toBe('a b')
    expect(new InsufficientScopeError(undefined).scope).toBeUndefined()
    const demand = { acrValues: ['gold'], maxAgeSeconds: 300, scope: 'a' }
    expect(new StepUpRequiredError(demand).demand).toBe(demand)
  })

  it('a retry time in whole seconds, at least one, five when nobody knows better', () => {
    const retryAfter = (retryAfterSeconds?: number) =>
      new UnavailableError('ERR_STORE_UNAVAILABLE', { retryAfterSeconds }).retryAfterSeconds
    expect([retryAfter(), retryAfter(30), retryAfter(1.2), retryAfter(0), retryAfter(-4)]).toEqual([5, 30, 2, 1, 1])
    expect(new UnavailableError('ERR_GRANT_UNAVAILABLE').retryAfterSeconds).toBe(5)
  })

  it('a store of tokens tells whether and when a retry makes sense, and how to mend it', () => {
    const facts = (error: TokenStoreError) => [error.retryable, error.retryAfterSeconds, error.detail]
    expect(facts(new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', 'ENOSPC'))).toEqual([true, 5, 'ENOSPC'])
    expect(facts(new TokenStoreError('ERR_TOKEN_STORE_LOCKED', 'asleep'))).toEqual([true, 5, 'asleep'])
    for (const code of ['CORRUPT', 'INSECURE', 'CONFIGURATION'] as const) {
      expect(facts(new TokenStoreError(`ERR_TOKEN_STORE_${code}`, 'chmod'))).toEqual([false, undefined, 'chmod'])
    }
  })

  it('a configuration error says in its message what to write, and on the wire nothing of it', () => {
    const error = new ConfigurationError('issuer: write an https URL', { detail: 'issuer' })
    expect(error.message).toBe('issuer: write an https URL')
    expect(error.description).toBe('The server is not configured correctly')
    expect(error.detail).toBe('issuer')
  })
})

const brand = Symbol.for('portcullis.PortcullisError')
const foreign = (background: unknown) => Object.defineProperty(new Error('other copy'), brand, { value: background })

describe('the one base', () => {
  const ofClient = new ResponseError('ERR_RESPONSE_MALFORMED', { cause: new Error('below') })

  it('is below every error there is, with one brand', () => {
    const errors = [...table.map(([error]) => error), new ResourceAccessError('r', 'ERR_GRANT_DENIED'), ofClient]
    for (const error of errors) {
      expect(error).toBeInstanceOf(PortcullisError)
      expect(isPortcullisError(error)).toBe(true)
      expect(error.name).toBe(error.constructor.name)
      expect(error.toJSON()).toMatchObject({ name: error.name, code: error.code, message: error.message })
      expect(error.toJSON()).not.toHaveProperty('cause')
    }
    expect(isPortcullisError(foreign(true))).toBe(true)
    expect(isPortcullisError(new Error('no'))).toBe(false)
  })

  it('tells the families apart', () => {
    expect([isAuthError(ofClient), isOAuthClientError(ofClient)]).toEqual([false, true])
    const refusal = new MissingTokenError()
    expect([isAuthError(refusal), isOAuthClientError(refusal)]).toEqual([true, false])
  })

  it('has failures of the client that a retry may mend, and those that it does not', () => {
    const { ERR_TIMEOUT, ERR_REFUSED } = clientErrorTraits
    expect(ERR_TIMEOUT).toEqual({
      ...{ category: 'network', retryable: true, message: 'The authorization server did not answer in time' },
    })
    expect([ERR_REFUSED.retryable, ERR_REFUSED.category]).toEqual([false, 'auth'])
  })

  it('has each code in one family alone', () => {
    expectTypeOf<Extract<AuthErrorCode, ClientErrorCode>>().toBeNever()
    expect(Object.keys(errorDescriptions)).toContain('ERR_ISSUER_UNAVAILABLE')
    expect(Object.keys(clientErrorTraits)).toContain('ERR_DISCOVERY_UNAVAILABLE')
  })
})

describe('isAuthError', () => {
  it('knows every refusal, also one from a second copy of the library', () => {
    for (const [error] of table) expect(isAuthError(error)).toBe(true)
    expect(isAuthError(foreign({ family: 'auth' }))).toBe(true)
  })

  it('takes nothing else for one', () => {
    const lookalike = { [brand]: { family: 'auth' }, status: 401, code: 'ERR_TOKEN_MISSING' }
    const others = [foreign({ family: 'client' }), foreign(true), foreign(null)]
    for (const value of [new Error('no'), ...others, lookalike, null, undefined, 'ERR_TOKEN_MISSING', 401]) {
      expect(isAuthError(value)).toBe(false)
    }
  })
})
