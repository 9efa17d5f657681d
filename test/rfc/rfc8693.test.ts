import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

/** Section 4.1, figure 6, and the chain of section 6. */
const chain = {
  sub: 'user@example.com',
  act: { sub: 'https://service16.example.com', act: { sub: 'https://service77.example.com' } },
}

describe('RFC 8693', () => {
  it('[V-14] [TX-08] takes the outermost actor for the current one, earlier ones nested', async () => {
    const { issuer, admit } = createAttackedServer()
    const { subject, actor } = await admit(issuer.mintToken(chain))
    expect(subject).toBe('user@example.com')
    expect(actor?.sub).toBe('https://service16.example.com')
    expect(actor).toEqual(chain.act)
  })

  it('[TX-08] section 4.1: ignores exp, nbf and aud inside act', async () => {
    const { issuer, admit } = createAttackedServer()
    const act = {
      sub: 'admin@example.com',
      exp: 1,
      nbf: 9_999_999_999,
      aud: 'https://other.test',
      iss: 'https://a.test',
    }
    expect((await admit(issuer.mintToken({ act }))).actor).toEqual({ sub: 'admin@example.com', iss: 'https://a.test' })
  })

  it('[TX-09] section 4.1: decides by top-level claims, never by those of an actor', async () => {
    const { issuer, server } = createAttackedServer()
    const act = { sub: 'admin', scope: 'admin', roles: ['admin'], client_id: 'other', acr: 'mfa', act: { sub: 'root' } }
    const token = issuer.mintToken({ act })
    const auth = await server.verify(token)
    expect(auth).toMatchObject({ subject: 'user-1', scopes: ['read'], roles: [], clientId: 'test-client', resource })
    await expect(server.verify(token, { scope: 'admin' })).rejects.toMatchObject({ code: 'ERR_SCOPE_INSUFFICIENT' })
    await expect(server.verify(token, { acr: 'mfa' })).rejects.toMatchObject({ code: 'ERR_STEP_UP_REQUIRED' })
    await expect(server.verify(token, { claims: { sub: 'admin' } })).rejects.toMatchObject({ status: 403 })
  })

  it('[TX-11] sections 4.1 and 4.4: refuses act and may_act that name nobody', async () => {
    const { issuer, call } = createAttackedServer()
    for (const actor of [
      'admin',
      null,
      [],
      [chain.act],
      {},
      { sub: 5 },
      { sub: 'a', act: {} },
      { sub: 'a', act: 'b' },
    ]) {
      expect(await call(issuer.mintToken({ act: actor })), JSON.stringify(actor)).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    }
    for (const actor of ['admin', null, [], {}, { sub: 5 }]) {
      expect(await call(issuer.mintToken({ may_act: actor })), JSON.stringify(actor)).toBe(
        '401 ERR_TOKEN_CLAIM_INVALID',
      )
    }
    expect(await call(issuer.mintToken({ may_act: { sub: 'admin@example.com' } }))).toBe('ok')
  })
})
