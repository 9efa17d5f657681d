import { requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

describe('members that come twice', () => {
  it('[JOSE-05] counts the last claim of a name, everywhere', async () => {
    const { issuer, call, admit } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const text = JSON.stringify(payload).slice(1, -1)
    const sign = (json: string) => signCompact({ header, payload: json, key })
    const auth = await admit(sign(`{"sub":"root","scope":"admin","roles":"admin",${text},"roles":"user"}`))
    expect(auth).toMatchObject({
      subject: 'user-1',
      scopes: ['read'],
      roles: ['user'],
      claims: { sub: 'user-1', scope: 'read' },
    })
    expect(await call(sign(`{${text},"exp":1}`))).toBe('401 ERR_TOKEN_EXPIRED')
    expect(await call(sign(`{"exp":1,${text}}`))).toBe('ok')
    expect(await call(sign(`{${text},"aud":"https://other.test"}`))).toBe('401 ERR_TOKEN_AUDIENCE')
    expect(await call(sign(`{"cnf":{"jkt":"x"},${text}}`))).toBe('401 ERR_TOKEN_BOUND')
    expect(await call(sign(`{${text},"su\\u0062":"other"}`))).toBe('ok')
    expect(await admit(sign(`{${text},"su\\u0062":"other"}`))).toMatchObject({
      subject: 'other',
      claims: { sub: 'other' },
    })
  })

  it('[JOSE-05] counts the last header member of a name', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const text = JSON.stringify(header).slice(1, -1)
    const sign = (json: string) => signCompact({ header: json, payload, key })
    expect(await call(sign(`{"alg":"none",${text}}`))).toBe('ok')
    expect(await call(sign(`{${text},"alg":"none"}`))).toBe('401 ERR_TOKEN_ALGORITHM')
    expect(await call(sign(`{${text},"alg":"HS256"}`))).toBe('401 ERR_TOKEN_ALGORITHM')
    expect(await call(sign(`{${text},"kid":"other"}`))).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    expect(await call(sign(`{${text},"typ":"dpop+jwt"}`))).toBe('401 ERR_TOKEN_TYPE')
    expect(await call(sign(`{"crit":["x"],${text},"crit":["y"]}`))).toBe('401 ERR_TOKEN_CRITICAL_HEADER')
  })

  it('[C-03] refuses Authorization fields that come twice, good ones among them', async () => {
    const { issuer, server } = createAttackedServer()
    const field = `Bearer ${issuer.mintToken({ aud: resource })}`
    for (const authorization of [[field, field], [field, 'Bearer x'], ['Basic x', field], [`${field}, ${field}`]]) {
      const result = await server.authenticate(requestFacts({ headers: { authorization } }))
      expect(result).toMatchObject({ ok: false, answer: { status: 400 } })
    }
  })
})
