import { describe, expect, it } from 'vitest'
import { parseRecord, recordOf } from '../../../../src/login/web/login-session.js'

const result = {
  account: { issuer: 'https://as.example', subject: 'alice' },
  tokens: { accessToken: 'CANARY' },
  claims: { acr: 1, amr: 'pwd', sid: 's1', auth_time: '5', email: 'a@example.com' },
  userInfo: { email: 'b@example.com', name: 'Alice' },
} as never

const record = recordOf('corporate', result, {
  ...{ kept: ['email'], data: {}, nowSeconds: 10, seconds: 100 },
  asked: { acrValues: ['mfa'], maxAgeSeconds: undefined },
})

describe('the record of a session', () => {
  it('holds what was asked for, and no token', () => {
    expect(record).toMatchObject({
      claims: { email: 'a@example.com' },
      userInfo: { email: 'b@example.com' },
      acr: undefined,
      amr: [],
      authTime: undefined,
      sid: 's1',
      absoluteUntil: 110,
    })
    expect(JSON.stringify(record)).not.toContain('CANARY')
  })

  it('begins when the provider signed the ID token, and where there is none, now', () => {
    const about = {
      kept: ['email'],
      data: {},
      asked: { acrValues: undefined, maxAgeSeconds: undefined },
      nowSeconds: 10,
      seconds: 100,
    }
    const signed = { ...(result as object), claims: { iat: 7 } } as never
    expect(recordOf('corporate', signed, about)).toMatchObject({ issuedAt: 7, createdAt: 10, claims: {} })
    const unsigned = { ...(result as object), claims: undefined, userInfo: undefined } as never
    expect(recordOf('corporate', unsigned, about)).toMatchObject({
      issuedAt: 10,
      claims: {},
      userInfo: {},
      sid: undefined,
    })
  })

  it('comes back from its text, and from nothing else', () => {
    expect(parseRecord(JSON.stringify(record))).toEqual(JSON.parse(JSON.stringify(record)))
    const broken = [
      { v: 2 },
      { account: undefined },
      { account: 'alice' },
      { account: { issuer: 'x' } },
      { provider: 5 },
      { tokensKey: undefined },
      { claims: [] },
      { data: null },
      { amr: [1] },
      { seenAt: 'now' },
      { absoluteUntil: undefined },
    ]
    for (const change of broken) expect(parseRecord(JSON.stringify({ ...record, ...change }))).toBeUndefined()
    for (const text of ['', '{', '[]', 'null', '5']) expect(parseRecord(text)).toBeUndefined()
  })
})
