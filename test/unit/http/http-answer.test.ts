import { describe, expect, it } from 'vitest'
import { mergeField, preflightAnswer, withAnswerHeaders } from '../../../src/http/http-answer.js'

describe('mergeField', () => {
  it('[ADP-02] keeps challenges the application set and appends ours', () => {
    expect(mergeField('WWW-Authenticate', undefined, ['Bearer a', 'DPoP b'])).toEqual(['Bearer a', 'DPoP b'])
    expect(mergeField('WWW-Authenticate', 'Basic realm="x"', ['Bearer a'])).toEqual(['Basic realm="x"', 'Bearer a'])
    expect(mergeField('www-authenticate', ['Basic realm="x"', 'Negotiate'], 'Bearer a')).toEqual([
      'Basic realm="x"',
      'Negotiate',
      'Bearer a',
    ])
  })

  it('[ADP-03] [DPOP-24] makes one list of the fields both expose', () => {
    const ours = 'WWW-Authenticate, DPoP-Nonce'
    expect(mergeField('Access-Control-Expose-Headers', undefined, ours)).toBe(ours)
    expect(mergeField('Access-Control-Expose-Headers', 'X-Total, dpop-nonce', ours)).toBe(
      'X-Total, DPoP-Nonce, WWW-Authenticate',
    )
    expect(mergeField('Vary', ['Origin', 'Accept'], 'Origin')).toBe('Origin, Accept')
  })

  it('[BEAR-04] [E-15] does not let caches keep what the application told them not to store', () => {
    expect(mergeField('Cache-Control', 'no-store', 'private')).toBe('no-store')
    expect(mergeField('cache-control', ['max-age=0', 'No-Store'], 'private')).toBe('max-age=0, No-Store')
    expect(mergeField('Cache-Control', 'max-age=60', 'private')).toBe('private')
  })

  it('[E-15] replaces any other field', () => {
    expect(mergeField('Cache-Control', 'public, max-age=60', 'no-store')).toBe('no-store')
    expect(mergeField('Retry-After', 7, '5')).toBe('5')
    expect(mergeField('Vary', 7, 'Origin')).toBe('7, Origin')
  })
})

describe('mergeField and what it is given', () => {
  it('[E-15] keeps `no-store` in `Cache-Control` alone, and gives no list of others away', () => {
    expect(mergeField('X-Test', 'no-store', 'a')).toBe('a')
    const values = Object.freeze(['Bearer a', 'DPoP b'])
    expect(mergeField('WWW-Authenticate', undefined, values)).not.toBe(values)
    expect(mergeField('Set-Cookie', 'a=1', ['b=2', 'a=1'])).toEqual(['a=1', 'b=2', 'a=1'])
  })
})

describe('withAnswerHeaders', () => {
  const answer = (headers: Record<string, string | readonly string[]>) => ({ status: 401, headers, body: '' })

  it('[ADP-03] writes the fields of the answer on the error, merged into those of the response, and anew each time', () => {
    const set: Record<string, string> = { 'WWW-Authenticate': 'Basic realm="x"' }
    const response = { getHeader: (name: string) => set[name] }
    const error = new Error('refused')
    const challenged = answer({ 'WWW-Authenticate': ['Bearer a'], 'Cache-Control': 'no-store' })
    expect(withAnswerHeaders(error, challenged, response)).toBe(error)
    expect(Reflect.get(error, 'headers')).toEqual({
      'WWW-Authenticate': ['Basic realm="x"', 'Bearer a'],
      'Cache-Control': 'no-store',
    })
    expect(Object.keys(error)).not.toContain('headers')
    withAnswerHeaders(error, answer({ 'Retry-After': '5' }), response)
    expect(Reflect.get(error, 'headers')).toEqual({ 'Retry-After': '5' })
  })
})

describe('preflightAnswer', () => {
  it('says nothing but that there is nothing to say', () => {
    expect(preflightAnswer).toEqual({ status: 204, headers: {}, body: '' })
  })
})
