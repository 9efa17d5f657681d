import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

describe('audience confusion', () => {
  it('[AT-05] [JWT-04] [C-07] accepts the identifier exactly, alone or among others', async () => {
    const { issuer, call } = createAttackedServer()
    for (const aud of [resource, [resource], ['https://other.test', resource], [resource, resource]]) {
      expect(await call(issuer.mintToken({ aud })), JSON.stringify(aud)).toBe('ok')
    }
    const near = [
      `${resource}/`,
      resource.toUpperCase(),
      'http://api.example.com',
      `${resource}:443`,
      `${resource}/mcp`,
      'api.example.com',
      `${resource}#`,
      `${resource} `,
      '*',
      '',
      'https://api.example.com.evil.test',
      resource.slice(0, -1),
      `${resource}\0`,
    ]
    for (const aud of [...near, [`${resource} https://other.test`], [[resource].join()].map((one) => `${one},x`)]) {
      expect(await call(issuer.mintToken({ aud })), JSON.stringify(aud)).toBe('401 ERR_TOKEN_AUDIENCE')
    }
  })

  it('[JWT-04] refuses an audience of any other shape', async () => {
    const { issuer, call } = createAttackedServer()
    for (const aud of [
      [[resource]],
      [resource, 1],
      [resource, null],
      { 0: resource, length: 1 },
      { [resource]: true },
      null,
      1,
      true,
    ]) {
      expect(await call(issuer.mintToken({ aud })), JSON.stringify(aud)).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    }
    for (const aud of [undefined, []]) expect(await call(issuer.mintToken({ aud }))).toBe('401 ERR_TOKEN_CLAIM_MISSING')
  })

  it('[AT-05] takes neither resource, azp nor client_id for an audience', async () => {
    const { issuer, call } = createAttackedServer()
    const token = issuer.mintToken({
      aud: 'https://other.test',
      resource,
      azp: resource,
      client_id: resource,
      scope: resource,
    })
    expect(await call(token)).toBe('401 ERR_TOKEN_AUDIENCE')
  })

  it('[BEAR-12] [AT-05] cannot be configured to accept any audience', () => {
    for (const audience of [[], '', null, [''], ['*', '']]) {
      expect(() => createAttackedServer({ resource: { resource, audience: audience as never } })).toThrow(
        /`audience` takes/,
      )
    }
    expect(() => createAttackedServer({ audience: false } as never)).toThrow(/has no option `audience`/)
  })

  it('[C-07] [RI-04] accepts several values where several are configured, the identifier then no longer', async () => {
    const { issuer, call } = createAttackedServer({ resource: { resource, audience: ['api', 'urn:api'] } })
    expect(await call(issuer.mintToken({ aud: 'api' }))).toBe('ok')
    expect(await call(issuer.mintToken({ aud: ['urn:api'] }))).toBe('ok')
    expect(await call(issuer.mintToken({ aud: resource }))).toBe('401 ERR_TOKEN_AUDIENCE')
    expect(await call(issuer.mintToken({ aud: '*' }))).toBe('401 ERR_TOKEN_AUDIENCE')
  })
})
