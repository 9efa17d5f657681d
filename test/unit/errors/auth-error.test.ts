import { describe, expect, it, vi } from 'vitest'
import { copyError, ownError } from '../../../src/errors/auth-error.js'
import {
  AuthError,
  DpopNonceRequiredError,
  InternalError,
  InvalidTokenError,
  isAuthError,
  MissingTokenError,
  ResourceAccessError,
} from '../../../src/errors/index.js'

const brand = Symbol.for('portcullis.PortcullisError')

function fullError(): InvalidTokenError {
  return new InvalidTokenError('ERR_TOKEN_AUDIENCE', {
    ...{ detail: 'aud', cause: new Error('below'), callback: 'claims' },
    ...{ expected: ['a', 'b'], received: `\u202e${'x'.repeat(300)}` },
  })
}

describe('what a refusal carries for the log', () => {
  it('[REAL-40] is bounded and escaped where it is shown, and stands in no listing', () => {
    const error = fullError()
    expect([error.callback, error.expected, error.received]).toEqual([
      'claims',
      ['a', 'b'],
      `\\u{202e}${'x'.repeat(199)}…`,
    ])
    expect(Object.keys(error).sort()).toEqual(['code', 'detail', 'oauthError', 'status'])
    const bare = new MissingTokenError()
    expect([bare.callback, bare.expected, bare.received, bare.correlationId]).toEqual(new Array(4).fill(undefined))
  })

  it('[REAL-26] names the function of the application that failed', () => {
    const cause = new Error('mine')
    expect(new InternalError(cause, 'allow')).toMatchObject({ cause, callback: 'allow', detail: '`allow` failed' })
    expect(new InternalError(cause)).toMatchObject({ cause, callback: undefined, detail: undefined })
  })

  it('[S3-10] names the downstream resource, the reason and the time to retry', () => {
    const options = { reason: 'invalid_target', retryAfterSeconds: 7, detail: 'why' }
    const statuses = [
      ['ERR_GRANT_DENIED', 403],
      ['ERR_GRANT_CONFIGURATION', 500],
      ['ERR_GRANT_MISSING', 500],
      ['ERR_GRANT_REFUSED', 502],
      ['ERR_GRANT_UNAVAILABLE', 503],
    ] as const
    for (const [code, status] of statuses) {
      const error = new ResourceAccessError('https://files.example', code, options)
      expect(error).toMatchObject({
        code,
        status,
        resource: 'https://files.example',
        oauthError: undefined,
        ...options,
      })
      expect(new ResourceAccessError('r', code)).toMatchObject({ reason: undefined, retryAfterSeconds: undefined })
    }
  })
})

describe('the error of another version of the library', () => {
  it.each([[true], [null], [undefined], [{ family: 'auth' }]])('knows nothing more where it keeps %j', (kept) => {
    const error = new MissingTokenError()
    Object.defineProperty(error, brand, { value: kept })
    expect([error.callback, error.expected, error.received, error.correlationId]).toEqual(new Array(4).fill(undefined))
  })
})

describe('ownError', () => {
  it('[S4-27] gives an error that nobody has to the request, without a copy', () => {
    const error = fullError()
    expect(ownError(error, 'one')).toBe(error)
    expect([error.correlationId, error.callback, error.expected]).toEqual(['one', 'claims', ['a', 'b']])
    expect(error.toJSON()).toMatchObject({ correlationId: 'one', detail: 'aud', name: 'InvalidTokenError' })
  })

  it('[S4-27] gives a copy of what another request has, what is frozen, and what another version made', () => {
    const taken = ownError(fullError(), 'one')
    const frozen = Object.freeze(fullError())
    for (const error of [taken, frozen]) {
      const before = error.correlationId
      const own = ownError(error, 'two')
      expect(own).not.toBe(error)
      expect([own.correlationId, error.correlationId]).toEqual(['two', before])
    }
    for (const value of [true, null, undefined]) {
      const foreign = Object.defineProperty(new Error('other'), brand, { value }) as unknown as AuthError
      const own = ownError(foreign, 'two')
      expect(own).not.toBe(foreign)
      expect([Reflect.get(own, brand), Reflect.get(foreign, brand)]).toEqual([{ correlationId: 'two' }, value])
    }
  })
})

describe('copyError', () => {
  it('[S4-27] is of the same class and content, and of no request', () => {
    const error = ownError(new DpopNonceRequiredError('nonce', { cause: new Error('below'), callback: 'allow' }), 'one')
    Object.assign(error, { headers: { 'X-Of': 'another request' }, own: 1 })
    const copy = copyError(error)
    expect(copy).toBeInstanceOf(DpopNonceRequiredError)
    expect(copy).toBeInstanceOf(AuthError)
    expect(isAuthError(copy)).toBe(true)
    expect(Error.prototype.toString.call(copy)).toBe(String(error))
    const { code, status, nonce, message, cause, stack, callback } = copy as DpopNonceRequiredError
    expect({ code, status, nonce, message, cause, stack, callback }).toEqual({
      ...{ code: 'ERR_PROOF_NONCE', status: 401, nonce: 'nonce', callback: 'allow' },
      ...{ message: error.message, cause: error.cause, stack: error.stack },
    })
    expect(Object.keys(copy).sort()).toEqual(['code', 'detail', 'nonce', 'oauthError', 'own', 'status'])
    expect(copy).not.toHaveProperty('headers')
    expect([copy.correlationId, error.correlationId]).toEqual([undefined, 'one'])
  })

  it('[S4-27] leaves the stack to be made once somebody looks at it', () => {
    const error = fullError()
    const copy = copyError(error)
    const stack = vi.fn(() => 'made late')
    Object.defineProperty(error, 'stack', { get: stack })
    const another = copyError(error)
    expect(stack).not.toHaveBeenCalled()
    expect([copy.stack, another.stack, copyError(copy).stack]).toEqual(new Array(3).fill('made late'))
    Object.defineProperty(another, 'stack', { value: 'rewritten' })
    expect(another.stack).toBe('rewritten')
  })

  it('[S4-27] can be written on, given to a request, and copied again', () => {
    const copy = copyError(Object.freeze(fullError()))
    Object.assign(copy, { detail: 'another' })
    expect(copy.detail).toBe('another')
    expect(ownError(copy, 'two')).toBe(copy)
    expect(copyError(copy)).toMatchObject({ correlationId: undefined, detail: 'another', expected: ['a', 'b'] })
  })
})
