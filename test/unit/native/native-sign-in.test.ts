import { createMcpAuthProvider } from 'portcullis/login'
import { type NativeSignInOptions, nativeSignIn } from 'portcullis/native'
import { describe, expect, it } from 'vitest'
import { issuer, resourceUrl, simulateNetwork } from '../../support/protected-resource.js'
import { scriptedProvider } from '../../support/scripted-provider.js'

describe('nativeSignIn', () => {
  it('[DCR-06] [MCP-14] registers as a native client, and signs in through the browser', async () => {
    const network = simulateNetwork()
    const signIn = nativeSignIn({
      async openBrowser(startUrl) {
        const start = await fetch(startUrl, { redirect: 'manual' })
        const { searchParams } = new URL(start.headers.get('location') as string)
        const answer = new URL(searchParams.get('redirect_uri') as string)
        answer.search = new URLSearchParams({ code: 'c', state: searchParams.get('state') as string }).toString()
        await fetch(answer)
      },
    })
    const provider = createMcpAuthProvider({ serverUrl: resourceUrl, signIn, fetch: network.fetch })
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(JSON.parse(network.at(`${issuer}/register`)[0]?.body ?? '')).toMatchObject({
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
    })
  })

  it.each<[NativeSignInOptions, readonly string[]]>([
    [{ host: '::1', port: 7000, path: '/done-here' }, ['http://[::1]:7000/done-here']],
    [{ portRange: [7000, 7001] }, ['http://127.0.0.1:7000/callback', 'http://127.0.0.1:7001/callback']],
    [
      { redirectUri: 'https://app.example/cb', prompt: async () => '' },
      ['http://127.0.0.1/callback', 'https://app.example/cb'],
    ],
  ])('[DCR-06] registers the redirect URIs of %o', (options, uris) => {
    expect(nativeSignIn(options).metadata.redirect_uris).toEqual(uris)
  })

  it('registers for a login on another device, and refuses options that the resource decides', () => {
    const { grant_types: grants } = nativeSignIn({ onCode: () => undefined }).metadata
    expect(grants).toEqual([...['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']])
    for (const options of [{ scopes: ['x'] }, { store: undefined }, { signal: AbortSignal.abort() }]) {
      const name = Object.keys(options)[0]
      expect(() => nativeSignIn(options as NativeSignInOptions)).toThrow(`nativeSignIn has no option \`${name}\``)
    }
  })

  it('asks for codes and refresh tokens where nothing else is wanted', () => {
    expect(nativeSignIn().metadata).toEqual({
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
    })
  })

  it('[S2-11] gives up where the fetch is closed', async () => {
    const signIn = nativeSignIn({ openBrowser: () => {} })
    const asked = signIn.getTokens({ provider: scriptedProvider(), signal: AbortSignal.abort() } as never)
    await expect(asked).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
  })
})
