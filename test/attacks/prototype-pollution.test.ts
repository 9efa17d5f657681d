import { signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createAttackedServer } from '../support/attacked-server.js'

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']

describe('prototype pollution', () => {
  it('[JWT-10] [JOSE-15] by claims: nothing is inherited, nothing is polluted', async () => {
    const { issuer, call, admit } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const own = JSON.stringify(payload).slice(1, -1)
    const evil = '{"scope":"admin","roles":["admin"],"polluted":true,"act":{"sub":"root"}}'
    for (const name of names) {
      const auth = await admit(signCompact({ header, payload: `{${own},"${name}":${evil}}`, key }))
      expect(auth.scopes, name).toEqual(['read'])
      expect(auth.roles).toEqual([])
      expect(auth.actor).toBeUndefined()
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    }
    const onlyProto = `{"__proto__":${JSON.stringify(payload)}}`
    expect(await call(signCompact({ header, payload: onlyProto, key }))).toBe('401 ERR_TOKEN_ISSUER')
  })

  it('[JWT-10] by header members', async () => {
    const { clock, issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const text = JSON.stringify(header)
    expect(await call(signCompact({ header: `{"__proto__":${text}}`, payload, key }))).toBe('401 ERR_TOKEN_ALGORITHM')
    const withProto = `${text.slice(0, -1)},"__proto__":{"crit":["x"]}}`
    expect(await call(signCompact({ header: withProto, payload, key }))).toBe('ok')
    for (const name of names) {
      clock.advance(10_000)
      expect(await call(signCompact({ header: { ...header, kid: name }, payload, key }))).toBe(
        '401 ERR_TOKEN_KEY_UNKNOWN',
      )
      expect(await call(signCompact({ header: { ...header, alg: name }, payload, key }))).toBe(
        '401 ERR_TOKEN_ALGORITHM',
      )
      expect(await call(signCompact({ header: { ...header, typ: name }, payload, key }))).toBe('401 ERR_TOKEN_TYPE')
    }
  })

  it('[JWT-10] by values that name prototype members', async () => {
    const { issuer, admit, call } = createAttackedServer({
      issuer: { issuer: 'https://issuer.test', claimProfile: { roles: '__proto__.admin', tenant: 'constructor.name' } },
    })
    const auth = await admit(
      issuer.mintToken({ sub: '__proto__', client_id: 'constructor', scope: '__proto__ toString' }),
    )
    expect(auth).toMatchObject({ subject: '__proto__', clientId: 'constructor', roles: [], tenant: undefined })
    expect(auth.hasScope('constructor')).toBe(false)
    for (const name of names) {
      expect(await call(issuer.mintToken({ iss: name }))).toBe('401 ERR_TOKEN_ISSUER')
      expect(await call(issuer.mintToken({ aud: name }))).toBe('401 ERR_TOKEN_AUDIENCE')
    }
  })

  it('[JWT-10] through a claims schema that lets unknown members pass', async () => {
    const { issuer, admit } = createAttackedServer({ claims: z.looseObject({ sub: z.string() }) } as never)
    const { header, payload, key } = issuer.tokenParts()
    const text = `${JSON.stringify(payload).slice(0, -1)},"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}`
    const { claims } = await admit(signCompact({ header, payload: text, key }))
    expect(claims['admin']).toBeUndefined()
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })
})
