import { describe, expect, it } from 'vitest'
import { comparableType } from '../../../../src/jws/compact-jws.js'
import { carriesForeignClaim, foreignTokenTypes } from '../../../../src/resource-server/token/token-type.js'

describe('comparableType', () => {
  it('[JOSE-18] reads a value without a slash as application/ and the value', () => {
    expect(comparableType('application/AT+jwt')).toBe(comparableType('at+JWT'))
    expect(comparableType('APPLICATION/jwt')).toBe('jwt')
    expect(comparableType('image/at+jwt')).not.toBe('at+jwt')
    expect(comparableType('application/at+jwt;v=1')).not.toBe('at+jwt')
    expect(comparableType('application/ at+jwt')).not.toBe('at+jwt')
  })
})

describe('carriesForeignClaim', () => {
  it('[JWT-07] tells an ID token, a logout token, a proof and an introspection answer by what only they carry', () => {
    for (const claim of ['at_hash', 'c_hash', 's_hash', 'events', 'htm', 'htu', 'token_introspection']) {
      expect(carriesForeignClaim({ sub: 'a', [claim]: null }), claim).toBe(true)
    }
    expect(carriesForeignClaim({ sub: 'a', scope: 'b' })).toBe(false)
    expect(carriesForeignClaim(Object.create({ events: {} }))).toBe(false)
  })

  it('[JWT-07] knows the types of the other kinds in comparable form', () => {
    for (const type of foreignTokenTypes) expect(comparableType(type)).toBe(type)
  })
})
