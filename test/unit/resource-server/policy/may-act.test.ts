import { mayAct } from 'portcullis'
import { describe, expect, it } from 'vitest'

const issuer = 'https://as.example'
const saying = (may_act: unknown) => ({ issuer, claims: { sub: 'alice', may_act } })
const service = { sub: 'https://service.example' }

describe('mayAct', () => {
  it('[TX-10] lets act who is named, and nobody else', () => {
    expect(mayAct(saying({ sub: service.sub }), service)).toBe(true)
    expect(mayAct(saying({ sub: service.sub }), { sub: 'https://other.example' })).toBe(false)
  })

  it('[TX-10] makes no statement where the token makes none', () => {
    expect(mayAct({ issuer, claims: { sub: 'alice' } }, service)).toBeUndefined()
    expect(mayAct({ issuer, claims: undefined }, service)).toBeUndefined()
  })

  it('[TX-10] demands that all members match', () => {
    const allowed = saying({ sub: 'svc', iss: 'https://other.example', client_id: 'app' })
    expect(mayAct(allowed, { sub: 'svc', iss: 'https://other.example', client_id: 'app' })).toBe(true)
    expect(mayAct(allowed, { sub: 'svc', iss: 'https://other.example' })).toBe(false)
    expect(mayAct(allowed, { sub: 'svc', client_id: 'app' })).toBe(false)
  })

  it('[TX-10] takes an issuer left out for the one of the token, on both sides', () => {
    expect(mayAct(saying({ sub: 'svc' }), { sub: 'svc', iss: issuer })).toBe(true)
    expect(mayAct(saying({ sub: 'svc' }), { sub: 'svc', iss: 'https://other.example' })).toBe(false)
    expect(mayAct(saying({ sub: 'svc', iss: issuer }), { sub: 'svc' })).toBe(true)
    expect(mayAct(saying({ sub: 'svc', iss: 'https://other.example' }), { sub: 'svc' })).toBe(false)
  })

  it.each([null, 'svc', ['svc'], {}, { iss: issuer }, { sub: 7 }, { sub: { a: 1 } }])(
    '[TX-11] lets nobody act by a malformed statement: %j',
    (may_act) => {
      expect(mayAct(saying(may_act), { sub: 'svc' })).toBe(false)
    },
  )

  it('[TX-10] matches texts only: a number is no identity, even where both have it', () => {
    expect(mayAct(saying({ sub: 'svc', employee: 7 }), { sub: 'svc', employee: 7 })).toBe(false)
  })

  it('[TX-10] matches own members only', () => {
    expect(mayAct(saying(JSON.parse('{"sub":"svc","toString":"x"}')), { sub: 'svc' })).toBe(false)
    expect(mayAct(saying(Object.create({ sub: 'svc' })), { sub: 'svc' })).toBe(false)
  })
})
