import { describe, expect, it } from 'vitest'
import { failureCode, introspectionReason, issuerReason } from '../../../src/kit/failure-code.js'
import { FetchFailure } from '../../../src/kit/fetch/fetch-failure.js'

const secret = 'redis://user:hunter2@10.0.0.7:6379'

describe('failureCode', () => {
  it.each<[unknown, string]>([
    [new FetchFailure('timeout'), 'timeout'],
    [Object.assign(new Error(secret), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [Object.assign(new Error(secret), { code: 'STORE_FULL' }), 'STORE_FULL'],
    [Object.assign(new RangeError(secret), { code: secret }), 'RangeError'],
    [Object.assign(new Error(secret), { code: 'A'.repeat(65) }), 'Error'],
    [Object.assign(new Error(secret), { code: 7 }), 'Error'],
    [new Error(`OOM command not allowed, ${secret}`), 'OOM'],
    [new Error(`READONLY You can't write against a replica, ${secret}`), 'READONLY'],
    [new Error(`HUNTER2 ${secret}`), 'Error'],
    [new Error(`not at the beginning OOM ${secret}`), 'Error'],
    [new Error('OOMinous'), 'Error'],
    [new TypeError(secret), 'TypeError'],
    [Object.assign(new Error(secret), { name: secret }), 'unknown'],
    [Object.assign(new Error(secret), { name: 'a'.repeat(65) }), 'unknown'],
    [secret, 'unknown'],
    [{ message: secret }, 'unknown'],
    [{ message: ['OOM command not allowed'] }, 'unknown'],
    [undefined, 'unknown'],
  ])('[REAL-44] makes a code of %o and tells nothing else', (thrown, code) => {
    expect(failureCode(thrown)).toBe(code)
  })

  it('[REAL-44] does not mind a thrown value that throws', () => {
    const hostile = {
      get code() {
        throw new Error(secret)
      },
    }
    expect(failureCode(hostile)).toBe('unknown')
  })
})

describe('the reason of a failure', () => {
  it.each([
    ['timeout', 'timeout', 'timeout'],
    ['endpoint_missing', 'unexpected', 'endpoint_missing'],
    ['signed_answer_content', 'unexpected', 'signed_answer_content'],
    ['circuit_open', 'unexpected', 'circuit_open'],
    [secret, 'unexpected', 'unexpected'],
    [undefined, 'unexpected', 'unexpected'],
  ])('[REAL-44] of %s is %s, and of introspection %s', (detail, ofIssuer, ofIntrospection) => {
    expect([issuerReason(detail), introspectionReason(detail)]).toEqual([ofIssuer, ofIntrospection])
  })
})
