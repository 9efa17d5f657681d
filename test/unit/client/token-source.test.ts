import { clientCredentialsSource, staticSource, tokenSetFromResponse } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { setUpClient } from '../../support/client-set-up.js'
import { tokens } from '../../support/fake-token-endpoint.js'

describe('clientCredentialsSource', () => {
  function setUp() {
    const world = setUpClient()
    const answers = Array.from({ length: 5 }, (_, n) => tokens({ access_token: `token-${n}`, scope: 'a' }))
    world.server.script('/token', ...answers)
    return { ...world, source: clientCredentialsSource(world.client, { scope: 'a' }) }
  }

  it('[S1-31] gives the cached token, and another one for the one that was refused', async () => {
    const { source, server } = setUp()
    const first = await source.getToken()
    expect((await source.getToken()).accessToken).toBe(first.accessToken)
    const second = await source.getToken({ forceRefresh: true, rejected: first })
    expect([first.accessToken, second.accessToken]).toEqual(['token-0', 'token-1'])
    expect((await source.getToken({ forceRefresh: true, rejected: first })).accessToken).toBe('token-1')
    expect((await source.getToken({ forceRefresh: true })).accessToken).toBe('token-2')
    expect(server.at('/token').map(({ form }) => form.get('scope'))).toEqual(['a', 'a', 'a'])
  })

  it('passes on the signal and the time limit of the caller', async () => {
    const { source } = setUp()
    await expect(source.getToken({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect((await source.getToken({ timeoutMs: 5000 })).accessToken).toBe('token-0')
  })

  it('has the key of the client, and asks for anything where no target is named', async () => {
    const { client, server } = setUpClient({ dpop: true })
    server.script('/token', tokens({ token_type: 'DPoP' }))
    const source = clientCredentialsSource(client)
    expect(source.dpop).toBe(client.dpop)
    expect((await source.getToken()).tokenType).toBe('DPoP')
  })
})

describe('staticSource', () => {
  it('[S1-31] has one token, also for who refused it', async () => {
    const only = tokenSetFromResponse({ access_token: 'only', token_type: 'Bearer', expires_in: 0 })
    const source = staticSource(only)
    expect(await source.getToken()).toBe(only)
    expect(await source.getToken({ forceRefresh: true, rejected: only })).toBe(only)
    expect(source.dpop).toBeUndefined()
  })
})
