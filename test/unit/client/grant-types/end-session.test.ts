import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { setUpLogin } from '../../../support/login-set-up.js'

describe('the end-session URL', () => {
  it('[LOGO-01] names user, client and the way back', async () => {
    const { client } = setUpLogin()
    const url = await client.endSessionUrl({
      idTokenHint: 'an.id.token',
      logoutHint: 'alice',
      postLogoutRedirectUri: 'https://app.example/bye',
      state: 's',
      uiLocales: ['fr', 'en'],
    })
    expect(url).toMatch(/^https:\/\/as\.example\/logout\?/)
    expect(Object.fromEntries(new URL(url as string).searchParams)).toEqual({
      id_token_hint: 'an.id.token',
      client_id: 'app',
      logout_hint: 'alice',
      post_logout_redirect_uri: 'https://app.example/bye',
      state: 's',
      ui_locales: 'fr en',
    })
  })

  it('[LOGO-01] leaves an ID token out that makes it longer than 2,000 characters', async () => {
    const { client } = setUpLogin()
    const plain = (await client.endSessionUrl()) as string
    const room = 2000 - plain.length - '&id_token_hint='.length
    const longest = (await client.endSessionUrl({ idTokenHint: 'x'.repeat(room) })) as string
    expect(longest).toHaveLength(2000)
    expect(await client.endSessionUrl({ idTokenHint: 'x'.repeat(room + 1) })).toBe(plain)
  })

  it('is absent where the server has none, and refused where it is no https URL', async () => {
    const { server, client } = setUpLogin()
    server.metadata = { ...server.metadata, end_session_endpoint: undefined }
    expect(await client.endSessionUrl()).toBeUndefined()
    const odd = setUpLogin()
    odd.server.metadata = { ...odd.server.metadata, end_session_endpoint: 'javascript:alert(1)' }
    expect(await rejection(odd.client.endSessionUrl())).toMatchObject({ code: 'ERR_DISCOVERY_INVALID' })
    expect(await rejection(client.endSessionUrl({ postLogoutRedirectUri: '/bye' }))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
  })

  it('[LOGO-01] goes to no page that is not https, and takes a way back that is a text', async () => {
    const { server, client } = setUpLogin()
    server.metadata = { ...server.metadata, end_session_endpoint: 'http://as.example/logout' }
    expect(await rejection(client.endSessionUrl({}, { correlationId: 'mine' }))).toMatchObject({
      ...{ code: 'ERR_DISCOVERY_INVALID', operation: 'endSessionUrl', correlationId: 'mine' },
      message: expect.stringContaining('`end_session_endpoint`'),
    })
    const postLogoutRedirectUri = new URL('https://app.example/bye') as never
    expect(await rejection(client.endSessionUrl({ postLogoutRedirectUri }))).toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('`postLogoutRedirectUri`') },
    })
  })
})
