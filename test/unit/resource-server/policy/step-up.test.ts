import { describe, expect, it } from 'vitest'
import {
  type AuthenticationDemand,
  authenticationRule,
  compileAuthentication,
  isAuthenticatedWell,
} from '../../../../src/resource-server/policy/step-up.js'

const nowMs = 1_800_000_000_000
const nowSeconds = nowMs / 1000
const toleranceMs = 60_000

const meets = (claims: Record<string, unknown>, demand: Partial<AuthenticationDemand>) =>
  isAuthenticatedWell(claims, { acrValues: undefined, maxAgeSeconds: undefined, ...demand }, nowMs, toleranceMs)

describe('isAuthenticatedWell', () => {
  it('[STEP-03] accepts an acr of the list, exactly', () => {
    expect(meets({ acr: 'mfa' }, { acrValues: ['phr', 'mfa'] })).toBe(true)
    for (const acr of ['MFA', 'mf', 'mfa2', ' mfa', '', ['mfa'], 1, null, { mfa: true }]) {
      expect(meets({ acr }, { acrValues: ['phr', 'mfa'] }), JSON.stringify(acr)).toBe(false)
    }
  })

  it('[STEP-03] refuses a token without acr, and takes no level for higher than another', () => {
    expect(meets({}, { acrValues: ['1'] })).toBe(false)
    expect(meets({ acr: '2' }, { acrValues: ['1'] })).toBe(false)
    expect(meets(Object.create({ acr: '1' }), { acrValues: ['1'] })).toBe(false)
  })

  it('[STEP-04] accepts an authentication of at most that age, leeway included', () => {
    for (const age of [0, 299, 300, 359, 360]) {
      expect(meets({ auth_time: nowSeconds - age }, { maxAgeSeconds: 300 }), String(age)).toBe(true)
    }
    expect(meets({ auth_time: nowSeconds - 361 }, { maxAgeSeconds: 300 })).toBe(false)
    expect(meets({ auth_time: nowSeconds }, { maxAgeSeconds: 0 })).toBe(true)
    expect(meets({ auth_time: nowSeconds - 61 }, { maxAgeSeconds: 0 })).toBe(false)
  })

  it('[STEP-04] refuses an auth_time that is missing or no number', () => {
    for (const auth_time of [undefined, null, String(nowSeconds), true, [nowSeconds], {}]) {
      expect(meets({ auth_time }, { maxAgeSeconds: 300 }), JSON.stringify(auth_time)).toBe(false)
    }
  })

  it('[STEP-04] refuses an auth_time that lies ahead beyond the leeway, such as one in milliseconds', () => {
    expect(meets({ auth_time: nowSeconds + 60 }, { maxAgeSeconds: 300 })).toBe(true)
    for (const auth_time of [nowSeconds + 61, nowMs, Number.POSITIVE_INFINITY, Number.NaN, 1e308]) {
      expect(meets({ auth_time }, { maxAgeSeconds: 300 }), String(auth_time)).toBe(false)
    }
  })

  it('[STEP-02] wants both where both are demanded, and nothing where nothing is', () => {
    const demand = { acrValues: ['mfa'], maxAgeSeconds: 300 }
    expect(meets({ acr: 'mfa', auth_time: nowSeconds }, demand)).toBe(true)
    expect(meets({ acr: 'mfa' }, demand)).toBe(false)
    expect(meets({ auth_time: nowSeconds }, demand)).toBe(false)
    expect(meets({}, {})).toBe(true)
  })
})

describe('authenticationRule', () => {
  const refusal = (demand: Partial<AuthenticationDemand>, tokenClaims: Record<string, unknown>) => {
    const rule = authenticationRule({ acrValues: undefined, maxAgeSeconds: undefined, ...demand }, undefined)
    try {
      rule?.({ tokenClaims, scopes: [] } as never, nowMs, toleranceMs)
    } catch (error) {
      return error
    }
    return undefined
  }

  it('[STEP-02] tells what was demanded, and what the token says', () => {
    expect(refusal({ acrValues: ['phr', 'mfa'], maxAgeSeconds: 300 }, { acr: 'pwd', auth_time: 7 })).toMatchObject({
      code: 'ERR_STEP_UP_REQUIRED',
      expected: ['acr phr', 'acr mfa', 'max_age 300'],
      received: ['acr pwd', 'auth_time 7'],
    })
    expect(refusal({ acrValues: ['mfa'] }, { acr: { level: 'canary' } })).toMatchObject({
      expected: ['acr mfa'],
      received: ['acr object', 'auth_time undefined'],
    })
    expect(refusal({ maxAgeSeconds: 0 }, {})).toMatchObject({ expected: ['max_age 0'] })
  })

  it('[STEP-02] asks nothing of a token where nothing is demanded', () => {
    expect(compileAuthentication({})).toBeUndefined()
    expect(authenticationRule(undefined, undefined)).toBeUndefined()
    expect(refusal({ maxAgeSeconds: 300 }, { auth_time: nowSeconds })).toBeUndefined()
  })

  it('[STEP-02] names the option that is wrong', () => {
    expect(() => compileAuthentication({ acr: [] })).toThrow('`acr`')
    expect(() => compileAuthentication({ acr: 'a b' })).toThrow(
      '`acr` takes one value, or an array of values, without spaces',
    )
  })
})
