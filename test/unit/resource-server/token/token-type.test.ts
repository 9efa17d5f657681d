import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { comparableType, readCompactJws } from '../../../../src/jws/compact-jws.js'
import {
  acceptedTypes,
  carriesForeignClaim,
  checkTokenTypes,
  foreignTokenTypes,
  isForeignJwt,
  isGenericType,
  namesForeignKind,
  showsAccessToken,
  signsOfKind,
} from '../../../../src/resource-server/token/token-type.js'

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

describe('carriesForeignClaim with a nonce', () => {
  it('[JWT-07] counts it unless the payload calls the token an access token', () => {
    expect(carriesForeignClaim({ nonce: 'n' })).toBe(true)
    expect(carriesForeignClaim({ nonce: 'n', typ: 'ID' })).toBe(true)
    for (const kind of ['access', 'Access_Token', 'access-token', 'at+jwt', 'application/at+jwt', 'Bearer', 'DPoP']) {
      expect(carriesForeignClaim({ nonce: 'n', typ: kind }), kind).toBe(false)
      expect(carriesForeignClaim({ nonce: 'n', token_use: kind }), kind).toBe(false)
    }
    expect(carriesForeignClaim({ nonce: 'n', token_type: 'Bearer' })).toBe(true)
    expect(carriesForeignClaim({ nonce: 'n', typ: 'Bearer', at_hash: 'h' })).toBe(true)
  })
})

const foreign = [
  ...['id', 'id_token', 'id-token', 'id+jwt', 'refresh', 'refresh_token', 'refresh-token', 'refresh+jwt'],
  ...['logout', 'logout_token', 'logout-token', 'offline', 'serialized-id', 'RegistrationAccessToken'],
  ...['InitialAccessToken', 'ID', 'Refresh', 'Offline', 'application/logout+jwt'],
]

const otherTypes = [
  ...['dpop+jwt', 'logout+jwt', 'token-introspection+jwt', 'secevent+jwt', 'client-authentication+jwt'],
  ...['oauth-authz-req+jwt', 'oauth-id-jag+jwt', 'txntoken+jwt', 'id_token+jwt'],
]

describe('namesForeignKind', () => {
  it('[JWT-07] knows the names of the other kinds, in each claim that names kinds', () => {
    for (const kind of [...foreign, ...otherTypes]) {
      for (const name of ['typ', 'token_use', 'token_type', 'tokenName']) {
        expect(namesForeignKind({ sub: 'a', [name]: kind }), `${name} ${kind}`).toBe(true)
      }
      expect(namesForeignKind({ sub: kind, type: kind }), kind).toBe(false)
    }
  })

  it('[JWT-07] finds none in an access token, nor in what is no text', () => {
    for (const typ of ['access', 'Bearer', 'at+jwt', '', 'x', ['ID'], { ID: 1 }, null, 5, undefined]) {
      expect(namesForeignKind({ typ, token_use: 'access' }), JSON.stringify(typ)).toBe(false)
    }
    Object.defineProperty(Object.prototype, 'typ', { value: 'ID', configurable: true })
    try {
      expect(namesForeignKind({})).toBe(false)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'typ')
    }
  })
})

describe('showsAccessToken', () => {
  it('[JWT-07] goes by what names the kind, and all of that', () => {
    for (const kind of ['access', 'access_token', 'access-token', 'at+jwt', 'Bearer', 'DPoP']) {
      expect(showsAccessToken({ typ: kind }), kind).toBe(true)
      expect(showsAccessToken({ token_use: kind }), kind).toBe(true)
      expect(showsAccessToken({ typ: kind, token_use: 'other', scope: 'a' }), kind).toBe(false)
      expect(showsAccessToken({ typ: 'other', token_use: kind, scope: 'a' }), kind).toBe(false)
    }
    expect(showsAccessToken({ typ: null, scope: 'a' })).toBe(false)
  })

  it('[JWT-07] takes a scope for a sign where nothing names the kind', () => {
    for (const scope of ['a b', '', ['a'], []]) {
      expect(showsAccessToken({ scope }), JSON.stringify(scope)).toBe(true)
      expect(showsAccessToken({ scp: scope }), JSON.stringify(scope)).toBe(true)
    }
    for (const scope of [null, 5, {}, true]) expect(showsAccessToken({ scope, scp: scope })).toBe(false)
    expect(showsAccessToken({ client_id: 'a', token_type: 'Bearer' })).toBe(false)
    expect(showsAccessToken(Object.create({ scope: 'a' }))).toBe(false)
  })
})

describe('signsOfKind', () => {
  it('says how the payload calls itself, and which claims of other kinds it has', () => {
    const claims = {
      sub: 'a',
      typ: 'ID',
      token_use: 5,
      tokenName: 'id_token',
      at_hash: 'x',
      nonce: 'secret',
      events: {},
    }
    const signs = ['typ ID', 'token_use (number)', 'tokenName id_token', 'events', 'at_hash', 'nonce']
    expect(signsOfKind(claims)).toEqual(signs)
    expect(signsOfKind({ sub: 'a' })).toEqual([])
    expect(signsOfKind(Object.create({ typ: 'ID', nonce: 'n' }))).toEqual([])
  })
})

describe('isForeignJwt', () => {
  const isForeign = (header: unknown, payload: object): boolean => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const jws = readCompactJws(`${encode(header)}.${encode(payload)}.AAAA`)
    return jws === undefined || isForeignJwt(jws)
  }

  it('[JWT-07] goes by the payload, whatever the header says', () => {
    expect(isForeign({ typ: 'at+jwt' }, { typ: 'Refresh' })).toBe(true)
    expect(isForeign({ typ: 'at+jwt' }, { typ: 'Bearer' })).toBe(false)
  })

  it('[JWT-07] goes by the header where that names a kind, and by claims where it names none', () => {
    for (const typ of otherTypes) expect(isForeign({ typ: `application/${typ}` }, {}), typ).toBe(true)
    for (const typ of ['JWT', 'jose', undefined, 7, null]) {
      expect(isForeign({ typ }, { at_hash: 'x' }), `${typ}`).toBe(true)
      expect(isForeign({ typ }, { scope: 'a' }), `${typ}`).toBe(false)
    }
    expect(isForeign({ typ: 'at+jwt' }, { at_hash: 'x' })).toBe(false)
    expect(isForeign([], { at_hash: 'x' })).toBe(true)
  })
})

describe('isGenericType', () => {
  it('[JOSE-18] is true of what names no kind', () => {
    for (const type of [null, 'jwt', 'jose']) expect(isGenericType(type)).toBe(true)
    for (const type of ['', 'at+jwt', 'JWT', 'id+jwt']) expect(isGenericType(type)).toBe(false)
  })
})

describe('checkTokenTypes', () => {
  it('[AT-02] takes at+jwt alone where nothing is given, and a copy of what is', () => {
    expect(checkTokenTypes(undefined)).toEqual(['at+jwt'])
    const given = ['at+jwt', 'JWT', null]
    const types = checkTokenTypes(given)
    expect(types).toEqual(given)
    expect(types).not.toBe(given)
    expect(Object.isFrozen(types)).toBe(true)
  })

  it.each([[[]], [['']], [['JWT', 5]], ['JWT'], [null], [[undefined]], [{ length: 1, 0: 'JWT' }]])(
    'refuses %j, and says what to write',
    (given) => {
      expect(() => checkTokenTypes(given as never)).toThrow(
        new ConfigurationError(
          "`tokenTypes` takes a non-empty array such as ['at+jwt', 'JWT'], null for an absent typ.",
        ),
      )
    },
  )
})

describe('acceptedTypes', () => {
  it('[JOSE-18] brings them into comparable form', () => {
    expect(acceptedTypes(['application/AT+jwt', 'JWT', null])).toEqual(new Set(['at+jwt', 'jwt', null]))
  })

  it('[JWT-07] refuses what names another kind of JWT', () => {
    for (const type of otherTypes) {
      expect(() => acceptedTypes([null, 'JWT', `application/${type}`])).toThrow(
        new ConfigurationError(`\`tokenTypes\` holds ${type}, which names another kind of JWT than an access token.`),
      )
    }
  })
})
