import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { answer, html503, refusal } from '../../support/fake-token-endpoint.js'
import { setUpProvider } from '../../support/provider-set-up.js'

const ok = answer({})
const both = { accessToken: 'CANARY-a', refreshToken: 'CANARY-r' } as never
const one = { accessToken: 'CANARY-a', refreshToken: undefined } as never

describe('revoking the tokens of a login', () => {
  it('[REV-01] [REV-02] [S1-23] [S2-22] begins with the refresh token', async () => {
    const { provider, server } = setUpProvider()
    server.script('/revoke', ok)
    expect(await provider.revoke(both)).toBe('revoked')
    const sent = server.at('/revoke').map(({ form }) => [form.get('token'), form.get('token_type_hint')])
    expect(sent).toEqual([
      ['CANARY-r', 'refresh_token'],
      ['CANARY-a', 'access_token'],
    ])
    expect(server.at('/revoke')[0]?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[S1-23] is unsupported where the server has no endpoint', async () => {
    const { provider, server } = setUpProvider()
    server.metadata = { ...server.metadata, revocation_endpoint: undefined }
    expect(await provider.revoke(both)).toBe('unsupported')
  })

  it('[REV-02] [REV-03] knows a token that is gone, and one of a type the server does not revoke', async () => {
    const { provider, server } = setUpProvider()
    server.script('/revoke', refusal('invalid_token'))
    expect(await provider.revoke(one)).toBe('revoked')
    server.script('/revoke', refusal('unsupported_token_type'))
    expect(await provider.revoke(one)).toBe('unsupported')
    server.script('/revoke', ok, refusal('unsupported_token_type'))
    expect(await provider.revoke(both)).toBe('revoked')
    server.script('/revoke', refusal('unsupported_token_type'), ok)
    expect(await provider.revoke(both)).toBe('unsupported')
    expect(server.at('/revoke')).toHaveLength(6)
  })

  it('[REV-03] fails with the first failure, and has tried both', async () => {
    const { provider, server } = setUpProvider()
    server.script('/revoke', html503(), ok)
    const error = await rejection(provider.revoke(both))
    expect(error).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
    expect(JSON.stringify(error)).not.toContain('CANARY')
    expect(server.at('/revoke')).toHaveLength(2)
    server.script('/revoke', ok, html503())
    expect(await rejection(provider.revoke(both))).toMatchObject({ code: 'ERR_UNAVAILABLE' })
  })
})
