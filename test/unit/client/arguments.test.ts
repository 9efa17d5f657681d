import type { ClientCallError, OAuthClient } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../support/client-set-up.js'
import { redirectUri, setUpLogin } from '../../support/login-set-up.js'

const none = {} as never
const pushed = { redirectUri, codeChallenge: 'c'.repeat(43), state: 's' }

/** Each operation, with `options` of the call. */
const operations: Readonly<Record<string, (client: OAuthClient, options: never) => Promise<unknown>>> = {
  authorizationRequest: (client, options) => client.authorizationRequest({ redirectUri }, options),
  clientCredentials: (client, options) => client.clientCredentials({}, options),
  deleteRegistration: (client, options) => client.deleteRegistration(none, options),
  deviceAuthorization: (client, options) => client.deviceAuthorization({}, options),
  endSessionUrl: (client, options) => client.endSessionUrl({}, options),
  exchangeCode: (client, options) => client.exchangeCode(none, options),
  exchangeToken: (client, options) => client.exchangeToken(none, options),
  introspect: (client, options) => client.introspect('t', options),
  jwtBearer: (client, options) => client.jwtBearer({ assertion: 'a' }, options),
  pushAuthorizationRequest: (client, options) => client.pushAuthorizationRequest(pushed as never, options),
  readRegistration: (client, options) => client.readRegistration(none, options),
  refresh: (client, options) => client.refresh({ refreshToken: 'r' }, options),
  register: (client, options) => client.register(none, options),
  revoke: (client, options) => client.revoke('t', options),
  updateRegistration: (client, options) => client.updateRegistration(none, none, options),
  userInfo: (client, options) => client.userInfo('t', options),
  verifyIdToken: (client, options) => client.verifyIdToken('t', {}, options),
  verifyLogoutToken: (client, options) => client.verifyLogoutToken('t', options),
}

describe.each(Object.entries(operations))('%s', (operation, start) => {
  it('names itself where an option of the call is unknown, and sends nothing', async () => {
    const { server, client } = setUpLogin()
    const error = (await rejection(start(client, { timeout: 1 } as never))) as ClientCallError
    expect(error).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT', operation, issuer: 'https://as.example' })
    expect(error.message).toContain(`${operation} options has no option \`timeout\``)
    expect(server.requests).toEqual([])
  })

  it('is refused after the client was closed, and says for which call', async () => {
    const { server, client } = setUpLogin()
    await client.close()
    expect(await rejection(start(client, { correlationId: 'mine' } as never))).toMatchObject({
      ...{ code: 'ERR_CLIENT_CLOSED', operation, issuer: 'https://as.example', correlationId: 'mine' },
    })
    expect(server.requests).toEqual([])
  })
})

it('shows no metadata after the client was closed', async () => {
  const { server, client } = setUpLogin()
  await client.close()
  for (const shown of [client.ready(), client.describeEndpoints()]) {
    expect(await rejection(shown)).toMatchObject({ code: 'ERR_CLIENT_CLOSED', issuer: 'https://as.example' })
  }
  expect(server.requests).toEqual([])
})

describe('a call', () => {
  it.each([
    ['idToken', (client) => client.verifyIdToken('', {})],
    ['logoutToken', (client) => client.verifyLogoutToken('')],
    ['token', (client) => client.introspect('Bearer x')],
    ['token', (client) => client.revoke(7 as never)],
    ['assertion', (client) => client.jwtBearer({ assertion: 'a b' })],
    ['refreshToken', (client) => client.refresh({ refreshToken: 'a b' })],
    ['accessToken', (client) => client.userInfo('')],
    ['subjectToken', (client) => client.exchangeToken({ subjectToken: 'Bearer x' } as never)],
    ['actor.token', (client) => client.exchangeToken({ subjectToken: 'x', actor: { token: 'a b', type: 'urn:a' } })],
    ['actor.type', (client) => client.exchangeToken({ subjectToken: 'x', actor: { token: 'x', type: 'a b' } })],
  ] as readonly (readonly [string, (client: OAuthClient) => Promise<unknown>])[])(
    'says that `%s` is no token, not what it is',
    async (name, start) => {
      const { server, client } = setUpLogin()
      const error = (await rejection(start(client))) as ClientCallError
      expect(error).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
      expect(error.message).toContain(`\`${name}\` takes a token: not empty, without white space`)
      expect(server.requests).toEqual([])
    },
  )

  it.each([
    ['nothing', null],
    ['a text', 'signal'],
    ['an object without `aborted`', { addEventListener() {}, reason: 1 }],
    ['an object without `addEventListener`', { aborted: false, reason: 1 }],
    ['an object without `reason`', { aborted: false, addEventListener() {} }],
  ])('takes an AbortSignal, and not %s', async (_name, signal) => {
    const { client, server } = setUpClient()
    expect(await rejection(client.revoke('t', { signal } as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: '`signal` takes an AbortSignal.',
    })
    expect(server.requests).toEqual([])
  })
})
