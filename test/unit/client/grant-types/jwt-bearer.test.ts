import { describe, expect, it } from 'vitest'
import { quickRetry, setUpClient } from '../../../support/client-set-up.js'
import { html503, refusal, reset, tokens } from '../../../support/fake-token-endpoint.js'

describe('JWT authorization grant', () => {
  it('[ASRT-01] sends one assertion with scope', async () => {
    const { server, client } = setUpClient()
    const token = await client.jwtBearer({ assertion: 'a.b.c', scope: 'read' })
    expect(Object.fromEntries(server.at('/token')[0]?.form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'a.b.c',
      scope: 'read',
    })
    expect(token.accessToken).toBe('issued-access-token')
  })

  it('[ASRT-07] tells a refused assertion as invalid_grant and an absent one before it is sent', async () => {
    const { server, client } = setUpClient()
    server.script('/token', refusal('invalid_grant'))
    await expect(client.jwtBearer({ assertion: 'a.b.c' })).rejects.toMatchObject({ code: 'ERR_INVALID_GRANT' })
    await expect(client.jwtBearer({ assertion: '' })).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })

  it('is sent again after 503, which says that nothing was done, and not after a broken connection', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', html503(), tokens())
    await client.jwtBearer({ assertion: 'an.assertion' })
    expect(server.at('/token')).toHaveLength(2)
    server.script('/token', reset())
    await expect(client.jwtBearer({ assertion: 'an.assertion' })).rejects.toMatchObject({ code: 'ERR_NETWORK' })
    expect(server.at('/token')).toHaveLength(3)
  })
})
