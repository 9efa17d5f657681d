import { createResourceServer } from 'portcullis'
import { createTestIssuer, mergeFetch, requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

describe('issuer mix-up', () => {
  it('[JWT-05] [AT-04] [C-07] [C-19] takes no near spelling for the issuer, and asks no network', async () => {
    const { issuer, call, fetched } = createAttackedServer()
    const near = [
      'https://issuer.test/',
      'https://ISSUER.test',
      'HTTPS://issuer.test',
      'http://issuer.test',
      'https://issuer.test:443',
      'https://issuer.test.',
      'https://issuer.test#',
      'https://issuer.test?',
      ' https://issuer.test',
      'https://issuer.test\0',
      'https://user@issuer.test',
      'https://issuer.test.evil.test',
      'https://issuer%2etest',
      'https://issuеr.test',
    ]
    const others = ['', 'issuer.test', '__proto__', 'constructor', 'toString', 'null', 'undefined']
    for (const iss of [...near, ...others, null, undefined, 0, true, {}, ['https://issuer.test'], { toString: 'x' }]) {
      expect(await call(issuer.mintToken({ iss })), JSON.stringify(iss)).toBe('401 ERR_TOKEN_ISSUER')
    }
    expect(fetched).toEqual([])
    expect(await call(issuer.mintToken())).toBe('ok')
  })

  it('[JWT-05] never checks a token of one issuer by the keys of another', async () => {
    const good = createTestIssuer({ issuer: 'https://good.test' })
    const evil = createTestIssuer({ issuer: 'https://evil.test' })
    const server = createResourceServer({ resource, issuer: [good.issuer, evil.issuer], fetch: mergeFetch(good, evil) })
    const call = async (token: string) => {
      const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
      return result.ok ? result.auth.issuer : result.error.code
    }
    const { kid } = good.signingKey()
    for (let times = 0; times < 2; times++) {
      expect(await call(evil.mintToken({ iss: good.issuer }))).toBe('ERR_TOKEN_SIGNATURE')
      expect(await call(evil.mintToken({ iss: good.issuer }, { header: { kid } }))).toBe('ERR_TOKEN_SIGNATURE')
      expect(await call(good.mintToken({ iss: evil.issuer }))).toBe('ERR_TOKEN_SIGNATURE')
      expect(await call(good.mintToken())).toBe(good.issuer)
      expect(await call(evil.mintToken())).toBe(evil.issuer)
    }
  })

  it('[JWT-06] hands the issuer out beside the subject', async () => {
    const good = createTestIssuer({ issuer: 'https://good.test' })
    const evil = createTestIssuer({ issuer: 'https://evil.test' })
    const server = createResourceServer({ resource, issuer: [good.issuer, evil.issuer], fetch: mergeFetch(good, evil) })
    const users = await Promise.all([good, evil].map(async (one) => server.verify(one.mintToken({ sub: 'admin' }))))
    expect(users.map(({ issuer, subject }) => `${issuer} ${subject}`)).toEqual([
      'https://good.test admin',
      'https://evil.test admin',
    ])
  })

  it('[JOSE-05] reads iss once: the last one both picks the keys and is checked', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const text = JSON.stringify(payload).slice(1)
    expect(await call(signCompact({ header, payload: `{"iss":"https://evil.test",${text}`, key }))).toBe('ok')
    const last = `{${text.slice(0, -1)},"iss":"https://evil.test"}`
    expect(await call(signCompact({ header, payload: last, key }))).toBe('401 ERR_TOKEN_ISSUER')
  })
})
