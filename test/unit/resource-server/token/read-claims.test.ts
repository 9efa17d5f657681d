import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../../../src/errors/index.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'
import {
  type ClaimSettings,
  isReadableMayAct,
  readActor,
  readClaims,
} from '../../../../src/resource-server/token/read-claims.js'

const now = 1_800_000_000
const issuer = 'https://issuer.test'
const good = { iss: issuer, aud: 'api', sub: 'user', client_id: 'app', iat: now, exp: now + 300, jti: 'id' }
const rules: ClaimSettings = {
  profile: toClaimProfileSettings({ tenant: 'tid' }),
  optionalClaims: new Set(),
  clockToleranceMs: 60_000,
  maxTokenAgeMs: undefined,
}

const read = (claims: object, change: Partial<ClaimSettings> = {}, nowSeconds = now) =>
  readClaims({ issuer, key: undefined }, { ...good, ...claims }, { ...rules, ...change }, nowSeconds * 1000)
const refusal = (claims: object, change: Partial<ClaimSettings> = {}, nowSeconds = now): string => {
  try {
    read(claims, change, nowSeconds)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidTokenError)
    const { code, detail } = error as InvalidTokenError
    return detail === undefined ? code : `${code} ${detail}`
  }
  return 'none'
}

describe('readClaims', () => {
  it('reads out what a request needs', () => {
    expect(read({ scope: 'a b', roles: 'r', tid: 't', act: { sub: 'x' } })).toMatchObject({
      issuer,
      subject: 'user',
      clientId: 'app',
      scopes: ['a', 'b'],
      roles: ['r'],
      tenant: 't',
      audience: 'api',
      actor: { sub: 'x' },
      expiresAt: now + 300,
      validFromMs: (now - 60) * 1000,
      validUntilMs: (now + 360) * 1000,
    })
  })

  it('[AT-03] demands exp, aud, sub, client_id, iat and jti', () => {
    for (const name of ['exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) {
      expect(refusal({ [name]: undefined }), name).toMatch(`ERR_TOKEN_CLAIM_MISSING ${name}`)
    }
  })

  it('[AT-03] lets those lack that the issuer may leave out', () => {
    for (const name of ['jti', 'client_id', 'iat']) {
      expect(refusal({ [name]: undefined }, { optionalClaims: new Set([name]) }), name).toBe('none')
    }
    expect(refusal({ sub: undefined }, { optionalClaims: new Set(['jti', 'client_id', 'iat']) })).toContain(
      'MISSING sub',
    )
  })

  it('[JWT-01] refuses dates that are no finite, non-negative numbers', () => {
    for (const name of ['exp', 'nbf', 'iat']) {
      for (const value of ['1', '', null, true, [], {}, [now], -1, Number.POSITIVE_INFINITY, Number.NaN]) {
        expect(refusal({ [name]: value }), `${name} ${value}`).toBe(`ERR_TOKEN_CLAIM_INVALID ${name}`)
      }
    }
    expect(refusal({ exp: now + 0.5, nbf: now - 0.5, iat: now + 0.25 })).toBe('none')
  })

  it('[JWT-02] [AT-06] [C-08] accepts exp and nbf up to the leeway, and not beyond', () => {
    expect(refusal({ exp: now - 59.999 })).toBe('none')
    expect(refusal({ exp: now - 60 })).toBe('ERR_TOKEN_EXPIRED')
    expect(refusal({ nbf: now + 60 })).toBe('none')
    expect(refusal({ nbf: now + 60.001 })).toBe('ERR_TOKEN_NOT_YET_VALID')
    const exact = { clockToleranceMs: 0 }
    expect(refusal({ exp: now, iat: now - 1 }, exact)).toBe('ERR_TOKEN_EXPIRED')
    expect(refusal({ exp: now + 0.001, iat: now, nbf: now }, exact)).toBe('none')
  })

  it('[JWT-03] refuses an iat ahead of the leeway, and a token that is too old', () => {
    expect(refusal({ iat: now + 60 })).toBe('none')
    expect(refusal({ iat: now + 61 })).toBe('ERR_TOKEN_NOT_YET_VALID')
    const young = { maxTokenAgeMs: 100_000 }
    expect(refusal({ iat: now - 159 }, young)).toBe('none')
    expect(refusal({ iat: now - 160 }, young)).toBe('ERR_TOKEN_TOO_OLD')
    expect(read({ iat: now - 100 }, young).validUntilMs).toBe((now + 60) * 1000)
    expect(refusal({ iat: undefined }, { ...young, optionalClaims: new Set(['iat']) })).toContain('MISSING iat')
  })

  it('lets nothing pass by a clock that gives no number', () => {
    expect(refusal({}, {}, Number.NaN)).toBe('ERR_TOKEN_EXPIRED')
  })

  it('[JWT-04] accepts aud as a string or an array of strings, nothing else', () => {
    expect(read({ aud: 'api' }).audience).toBe('api')
    expect(read({ aud: ['a', 'api'] }).audience).toEqual(['a', 'api'])
    for (const aud of [[1], ['api', null], ['api', ['api']], {}, 5, null, true]) {
      expect(refusal({ aud }), JSON.stringify(aud)).toBe('ERR_TOKEN_CLAIM_INVALID aud')
    }
  })

  it('refuses identifiers that are empty or no strings', () => {
    for (const name of ['sub', 'client_id', 'jti']) {
      for (const value of ['', 1, true, ['a'], {}]) {
        expect(refusal({ [name]: value }), name).toBe(`ERR_TOKEN_CLAIM_INVALID ${name}`)
      }
    }
    expect(refusal({ tid: 5 })).toBe('ERR_TOKEN_CLAIM_INVALID tenant')
    expect(refusal({ scope: ['read', 1] })).toBe('ERR_TOKEN_CLAIM_INVALID scope')
    expect(refusal({ scope: 5 })).toBe('ERR_TOKEN_CLAIM_INVALID scope')
  })

  it('[AT-10] hands the claims of RFC 9068 on as they are', () => {
    const claims = { auth_time: now, acr: 'mfa', amr: ['pwd'], groups: ['g'], roles: ['r'], entitlements: ['e'] }
    expect(read(claims).tokenClaims).toMatchObject(claims)
  })

  it('[REAL-29] takes an empty aud for an absent one', () => {
    expect(refusal({ aud: [] })).toBe('ERR_TOKEN_CLAIM_MISSING aud')
    const lax = { optionalClaims: new Set(['aud']) }
    expect(read({ aud: [] }, lax).audience).toBeUndefined()
    expect(read({ aud: undefined }, lax).audience).toBeUndefined()
    expect(refusal({ aud: [1] }, lax)).toBe('ERR_TOKEN_CLAIM_INVALID aud')
  })

  it('[REAL-31] [AT-11] tells a client token where sub is the client, and says nothing where it cannot tell', () => {
    expect(read({ sub: 'app' }).isClientToken).toBe(true)
    expect(read({ sub: 'App' }).isClientToken).toBeUndefined()
    expect(read({ client_id: undefined }, { optionalClaims: new Set(['client_id']) }).isClientToken).toBeUndefined()
  })

  it('[REAL-31] tells client and user by the way of the provider', () => {
    const profile = toClaimProfileSettings({
      clientToken: [
        { gty: 'client-credentials' },
        { idtyp: 'app' },
        { preferred_username: { startsWith: 'service-account-' } },
        { sub: { endsWith: '@clients' } },
        { sub: { sameAs: 'cid' } },
      ],
      userToken: { scp: { present: true } },
    })
    const tell = (claims: object) => read(claims, { profile }).isClientToken
    for (const claims of [
      { gty: ['x', 'client-credentials'] },
      { idtyp: 'app', scp: 'read' },
      { preferred_username: 'service-account-batch' },
      { sub: 'abc@clients' },
      { sub: '00u1', cid: '00u1' },
    ]) {
      expect(tell(claims), JSON.stringify(claims)).toBe(true)
    }
    expect(tell({ scp: 'read' })).toBe(false)
    for (const claims of [{}, { idtyp: 'App' }, { preferred_username: 7, gty: null }, { cid: 7 }]) {
      expect(tell(claims), JSON.stringify(claims)).toBeUndefined()
    }
  })

  it('[REAL-34] reads scope and scp, as text or as a list', () => {
    for (const claims of [{ scope: 'a b' }, { scope: ['a', 'b'] }, { scp: 'a b' }, { scp: ['a', 'b'] }]) {
      expect(read(claims).scopes, JSON.stringify(claims)).toEqual(['a', 'b'])
    }
    expect(read({}).scopes).toEqual([])
  })

  it('[REAL-34] adds up the roles of several places', () => {
    const profile = toClaimProfileSettings({
      roles: [
        'roles',
        'realm_access.roles',
        ['resource_access', 'api.example.com', 'roles'],
        'https://example.com/roles',
      ],
    })
    const claims = {
      roles: 'a',
      realm_access: { roles: ['b', 'a'] },
      resource_access: { 'api.example.com': { roles: ['c'] }, other: { roles: ['x'] } },
      'https://example.com/roles': ['d', 'b'],
    }
    expect(read(claims, { profile }).roles).toEqual(['a', 'b', 'c', 'd'])
    expect(Object.isFrozen(read(claims, { profile }).roles)).toBe(true)
    expect(read({ realm_access: { roles: 5 } }, { profile }).roles).toEqual([])
  })

  it('[TX-11] refuses malformed act and may_act', () => {
    expect(refusal({ act: 'x' })).toBe('ERR_TOKEN_CLAIM_INVALID act')
    expect(refusal({ act: null })).toBe('ERR_TOKEN_CLAIM_INVALID act')
    expect(refusal({ may_act: {} })).toBe('ERR_TOKEN_CLAIM_INVALID may_act')
    expect(refusal({ may_act: { sub: 'a' } })).toBe('none')
  })

  it('[JWT-10] is not taken in by claims named like prototype members', () => {
    const polluted = JSON.parse(`{"__proto__":${JSON.stringify(good)},"constructor":{"sub":"x"}}`)
    expect(() => readClaims({ issuer, key: undefined }, polluted, rules, now * 1000)).toThrow(InvalidTokenError)
    expect(({} as Record<string, unknown>)['sub']).toBeUndefined()
  })
})

const chain = (length: number): object => (length === 1 ? { sub: 'a' } : { sub: 'a', act: chain(length - 1) })

describe('readActor', () => {
  it('[TX-08] reads the current actor, with earlier ones inside, and nothing else of them', () => {
    const act = {
      sub: 'a',
      iss: 'https://i.test',
      exp: 1,
      nbf: 9e9,
      aud: 'x',
      client_id: 'y',
      act: { sub: 'b', exp: 'z' },
    }
    expect(readActor(act)).toEqual({ sub: 'a', iss: 'https://i.test', act: { sub: 'b' } })
    expect(readActor({ sub: 'a', act: { sub: 'b', iss: 'https://i.test' } })).toStrictEqual({
      sub: 'a',
      act: { sub: 'b', iss: 'https://i.test' },
    })
    expect(readActor(undefined)).toBeUndefined()
  })

  it('[TX-11] refuses an act that is no object with a string sub', () => {
    for (const act of [
      null,
      'a',
      1,
      true,
      [],
      [{ sub: 'a' }],
      {},
      { sub: 1 },
      { sub: '' },
      { sub: null },
      { sub: ['a'] },
    ]) {
      expect(readActor(act), JSON.stringify(act)).toBeNull()
      expect(readActor({ sub: 'a', act }), JSON.stringify(act)).toBeNull()
    }
    expect(readActor({ sub: 'a', iss: 1 })).toBeNull()
    expect(readActor(Object.create({ sub: 'a' }))).toBeNull()
  })

  it('[TX-11] refuses more than 8 actors', () => {
    expect(readActor(chain(8))).not.toBeNull()
    expect(readActor(chain(9))).toBeNull()
    expect(readActor(chain(5000))).toBeNull()
  })

  it('freezes every actor', () => {
    const actor = readActor(chain(3))
    expect(Object.isFrozen(actor)).toBe(true)
    expect(Object.isFrozen(actor?.act?.act)).toBe(true)
  })
})

describe('isReadableMayAct', () => {
  it('[TX-11] wants an object with a string sub, or nothing', () => {
    for (const value of [undefined, { sub: 'a' }, { sub: 'a', iss: 'b' }]) expect(isReadableMayAct(value)).toBe(true)
    for (const value of [null, 'a', [], {}, { sub: 1 }, [{ sub: 'a' }], Object.create({ sub: 'a' })]) {
      expect(isReadableMayAct(value), JSON.stringify(value)).toBe(false)
    }
  })
})

describe('what a refusal by time explains', () => {
  const explained = (claims: object, nowSeconds = now) => {
    try {
      read(claims, { maxTokenAgeMs: 1_000_000, clockToleranceMs: 0 }, nowSeconds)
    } catch (error) {
      const { code, expected, received } = error as InvalidTokenError
      return [code, expected, received]
    }
    throw new Error('expected a refusal')
  }
  const at = (seconds: number) => new Date(seconds * 1000).toISOString()

  it('[REAL-40] is the limit and the time of this server', () => {
    expect(explained({ exp: now })).toEqual(['ERR_TOKEN_EXPIRED', `before ${at(now)}`, at(now)])
    expect(explained({ nbf: now + 5 })).toEqual(['ERR_TOKEN_NOT_YET_VALID', `from ${at(now + 5)}`, at(now)])
    expect(explained({ iat: now - 1000 })).toEqual(['ERR_TOKEN_TOO_OLD', `before ${at(now)}`, at(now)])
  })

  it('[REAL-40] is a number where no date can be that late', () => {
    expect(explained({ nbf: 8.64e12 })[1]).toBe('from +275760-09-13T00:00:00.000Z')
    expect(explained({ nbf: 8.64e12 + 1 })[1]).toBe(`from ${8.64e15 + 1000}`)
    expect(explained({}, Number.NaN)[2]).toBe('NaN')
  })
})

describe('authorization_details', () => {
  it('is absent, or a list of objects that all have a type', () => {
    for (const details of [undefined, [], [{ type: 'a' }], [{ type: 'a' }, { type: 'b', x: 1 }]]) {
      expect(refusal({ authorization_details: details })).toBe('none')
    }
    for (const details of [null, {}, 'a', [{ type: 'a' }, {}], [{ type: 5 }], [null], ['a']]) {
      expect(refusal({ authorization_details: details }), JSON.stringify(details)).toBe(
        'ERR_TOKEN_CLAIM_INVALID authorization_details',
      )
    }
  })
})

describe('what stands for the subject', () => {
  const profile = toClaimProfileSettings({ subjectStandIn: 'oid' })

  it('is read where sub is absent or empty, and must be a text', () => {
    for (const sub of [undefined, '']) {
      expect(read({ sub, oid: 'o' }, { profile }).subject).toBe('o')
      for (const oid of ['', 5, {}]) expect(refusal({ sub, oid }, { profile })).toBe('ERR_TOKEN_CLAIM_INVALID sub')
      expect(refusal({ sub }, { profile })).toBe('ERR_TOKEN_CLAIM_MISSING sub')
    }
    expect(read({ sub: 's', oid: 'o' }, { profile }).subject).toBe('s')
    expect(refusal({ sub: 5, oid: 'o' }, { profile })).toBe('ERR_TOKEN_CLAIM_INVALID sub')
    expect(read({ sub: undefined }, { optionalClaims: new Set(['sub']) }).subject).toBe('app')
  })
})
