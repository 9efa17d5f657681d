import { inspect } from 'node:util'
import {
  clientSecretBasic,
  clientSecretPost,
  federatedAssertion,
  type OAuthClient,
  type OAuthClientError,
  restoreRegistration,
  TokenTypes,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../support/client-set-up.js'
import { answer, type Behaviour, plain, tokens } from '../support/fake-token-endpoint.js'

const canary = 'CANARY'
const assertion = `e30.${Buffer.from(JSON.stringify({ exp: 4e9, jti: canary })).toString('base64url')}.${canary}-assertion`

/** Everything a careless server, proxy or runtime may send back: what it was sent, and what it was about to issue. */
const echoes: Readonly<Record<string, Behaviour>> = {
  'a protocol error that repeats the request': (request, signal) =>
    answer(
      { error: 'invalid_request', error_description: echo(request), error_uri: `https://as.example/${request.body}` },
      400,
    )(request, signal),
  'an error code that is the token itself': (request, signal) =>
    answer({ error: request.form.get('token') ?? echo(request) }, 400)(request, signal),
  'a 500 page that repeats the request': (request, signal) => plain(echo(request), 'text/html', 500)(request, signal),
  'a 429 whose header repeats the request': (request, signal) =>
    answer({}, 429, { 'x-request-id': echo(request).replace(/[^\x20-\x7e]/g, '') })(request, signal),
  'a token answer that is not acceptable': tokens({
    access_token: `${canary}-issued`,
    refresh_token: `${canary}-issued`,
    token_type: 'mac',
  }),
  'a token answer with a wrong expiry': tokens({
    access_token: `${canary}-issued`,
    refresh_token: `${canary}-issued`,
    expires_in: {},
  }),
  'a token answer that breaks off': plain(`{"access_token":"${canary}-issued`),
  'an HTML page with a token': plain(`<p>${canary}-issued</p>`, 'text/html'),
  'a fetch that throws what it sent': (request) =>
    Promise.reject(
      Object.assign(new TypeError(`failed: ${echo(request)}`), { config: request, cause: new Error(echo(request)) }),
    ),
  'a redirect that repeats the request': (request) =>
    new Response(echo(request), { status: 302, headers: { location: `https://x.example/?${request.body}` } }),
}

function echo({ headers, body, form }: Parameters<Behaviour>[0]): string {
  return `${[...form.values()].join(' ')} ${JSON.stringify(headers)} ${body}`
}

const registration = restoreRegistration({
  issuer: 'https://as.example',
  raw: {
    client_id: 'app',
    client_secret: `${canary}-client-secret`,
    registration_client_uri: 'https://as.example/register/app',
    registration_access_token: `${canary}-registration`,
  },
})

const calls: Readonly<Record<string, (client: OAuthClient) => Promise<unknown>>> = {
  clientCredentials: (client) => client.clientCredentials({ parameters: { assertion_like: `${canary}-parameter` } }),
  exchangeToken: (client) =>
    client.exchangeToken({
      subjectToken: `${canary}-subject`,
      actor: { token: `${canary}-actor`, type: TokenTypes.jwt },
    }),
  jwtBearer: (client) => client.jwtBearer({ assertion: `${canary}-grant` }),
  refresh: (client) => client.refresh({ refreshToken: `${canary}-refresh` }),
  introspect: (client) => client.introspect(`${canary}-token`),
  revoke: (client) => client.revoke(`${canary}-token`),
  register: (client) => client.register({ client_name: 'x' }, { initialAccessToken: `${canary}-initial` }),
  readRegistration: (client) => client.readRegistration(registration),
  updateRegistration: (client) => client.updateRegistration(registration, { client_name: 'x' }),
}

const credentials = {
  basic: clientSecretBasic({ clientId: 'app', clientSecret: `${canary} p@ss/w+rd` }),
  post: clientSecretPost({ clientId: 'app', clientSecret: `${canary}-secret` }),
  assertion: federatedAssertion({ clientId: 'app', source: () => assertion, clock: () => 0 }),
}

function views(error: OAuthClientError): string {
  const { bodySnippet = '' } = error as { bodySnippet?: string }
  const deep = { depth: 12, showHidden: true }
  return [
    inspect(error, deep),
    inspect(error.cause, deep),
    JSON.stringify(error),
    error.message,
    error.stack,
    String(error),
    bodySnippet,
  ].join('\n')
}

describe('a secret', () => {
  it.each(Object.entries(echoes))(
    '[D27] [SEC-03] shows in no error and no event after %s',
    async (_name, behaviour) => {
      for (const credential of Object.values(credentials)) {
        const { server, client, events } = setUpClient({ credential, dpop: true, retry: quickRetry, breaker: false })
        for (const path of ['/token', '/introspect', '/revoke', '/register', '/register/app'])
          server.script(path, behaviour)
        for (const [name, call] of Object.entries(calls)) {
          const outcome = await call(client).catch((error: unknown) => error)
          if (!(outcome instanceof Error)) continue
          const seen = `${views(outcome as OAuthClientError)}\n${JSON.stringify(events)}`
          expect(seen.includes(canary), `${name}: ${seen}`).toBe(false)
          for (const { headers } of server.requests) {
            if (headers['dpop'] !== undefined) expect(seen).not.toContain(headers['dpop'])
            if (headers['authorization'] !== undefined)
              expect(seen).not.toContain(headers['authorization'].split(' ')[1])
          }
        }
      }
    },
  )

  it('[D27] is masked where the server repeats it, and the rest of its text is kept', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/introspect',
      answer({ error: 'invalid_request', error_description: `bad token ${canary}-token!` }, 400),
    )
    const error = await rejection(client.introspect(`${canary}-token`))
    expect(error).toMatchObject({ errorDescription: 'bad token [redacted]!' })
  })

  it('[D27] shows in no inspection of client or credential', () => {
    for (const credential of Object.values(credentials)) {
      const { client } = setUpClient({ credential })
      expect(inspect([client, credential], { depth: 12, showHidden: true })).not.toContain(canary)
      expect(JSON.stringify([client, credential])).not.toContain(canary)
    }
  })

  it('[D27] shows in no error about a mistake of ours', async () => {
    const { client } = setUpClient()
    const errors = await Promise.all([
      rejection(client.exchangeToken({ subjectToken: `Bearer ${canary}` })),
      rejection(client.refresh({ refreshToken: `${canary} ` })),
      rejection(client.clientCredentials({ resource: `#${canary}` })),
    ])
    for (const error of errors) expect(views(error as OAuthClientError)).not.toContain(canary)
  })
})
