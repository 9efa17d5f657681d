import { publicClient } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../../../support/client-set-up.js'
import { html503, rateLimited, refusal, reset, rotating, tokens } from '../../../support/fake-token-endpoint.js'

describe('refresh', () => {
  it('[AZ-09] [D01] redeems a rotating token once, however many ask at the same time', async () => {
    const { server, client } = setUpClient()
    server.script('/token', rotating('refresh-0'))
    const all = await Promise.all(Array.from({ length: 50 }, () => client.refresh({ refreshToken: 'refresh-0' })))
    expect(server.at('/token')).toHaveLength(1)
    expect(new Set(all.map((set) => set.refreshToken))).toEqual(new Set(['rotated-1']))
    expect((await client.refresh({ refreshToken: 'rotated-1' })).refreshToken).toBe('rotated-2')
  })

  it('[AZ-09] tells a spent token as invalid_grant', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', rotating('refresh-0'))
    await client.refresh({ refreshToken: 'refresh-0' })
    await expect(client.refresh({ refreshToken: 'refresh-0' })).rejects.toMatchObject({ code: 'ERR_INVALID_GRANT' })
    expect(server.at('/token')).toHaveLength(2)
  })

  it('[S2-20] keeps the old refresh token where the server issues none', async () => {
    const { client } = setUpClient({ credential: publicClient({ clientId: 'app' }) })
    expect((await client.refresh({ refreshToken: 'refresh-0' })).refreshToken).toBe('refresh-0')
  })

  it('[RI-05] narrows scope and resource, and shares a request only between equal calls', async () => {
    const { server, client } = setUpClient()
    const refreshToken = 'refresh-0'
    await Promise.all([
      client.refresh({ refreshToken, scope: 'a', resource: 'https://api.example/' }),
      client.refresh({ refreshToken, scope: 'b' }),
    ])
    const forms = server.at('/token').map(({ form }) => [form.get('scope'), form.get('resource')])
    expect(forms).toEqual(
      expect.arrayContaining([
        ['a', 'https://api.example/'],
        ['b', null],
      ]),
    )
    expect(forms).toHaveLength(2)
  })

  it.each([
    ['a broken connection', reset()],
    ['a 503', html503()],
    ['a 500', refusal('server_error', undefined, 500)],
  ])('[D03] is never repeated after %s', async (_name, behaviour) => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', behaviour, tokens())
    expect(await rejection(client.refresh({ refreshToken: 'refresh-0' }))).toMatchObject({ retryable: true })
    expect(server.at('/token')).toHaveLength(1)
  })

  it('[D03] is repeated after 429, which says that nothing was done', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/token', rateLimited(), tokens())
    await client.refresh({ refreshToken: 'refresh-0' })
    expect(server.at('/token')).toHaveLength(2)
  })

  it('refuses an absent token', async () => {
    const { client } = setUpClient()
    await expect(client.refresh({ refreshToken: '' })).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})
