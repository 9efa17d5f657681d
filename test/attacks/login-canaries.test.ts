import { inspect } from 'node:util'
import { openTransaction, type Provider, sealTransaction } from 'portcullis/login'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { answer, type Behaviour, cutOff, plain, refusal, reset, tokens } from '../support/fake-token-endpoint.js'
import { idTokenClaims, signIdToken } from '../support/login-set-up.js'
import { type ProviderSetUp, setUpProvider } from '../support/provider-set-up.js'

const given = {
  clientSecret: 'CANARY-secret',
  code: 'CANARY-code',
  accessToken: 'c4n4ry-access-token',
  refreshToken: 'c4n4ry-refresh-token',
  deviceCode: 'c4n4ry-device-code',
}
const ring = [{ id: 'a', secret: new Uint8Array(Buffer.from('c4n4ry-seal-key-0123456789abcdef')) }]

/** Every way a value ends up in a log. */
function views(value: unknown): string {
  const texts = [
    inspect(value),
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    String(value),
    JSON.stringify(value) ?? '',
    JSON.stringify(value instanceof Object ? { ...value } : value) ?? '',
  ]
  for (let error: unknown = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', JSON.stringify(error), JSON.stringify(Object.entries(error)))
  }
  return texts.join('\n')
}

/** A server that repeats whatever it was sent, in its words and in its fields. */
function echo(status: number): Behaviour {
  return ({ body, headers }) =>
    new Response(
      JSON.stringify({
        error: 'invalid_grant',
        error_description: `${body} ${JSON.stringify(headers)}`,
        error_uri: body,
      }),
      {
        status,
        headers: { 'content-type': 'application/json', 'x-request-id': body.slice(0, 200).replace(/[^ -~]/g, '') },
      },
    )
}

function echoPage(status: number): Behaviour {
  return ({ body, headers }) =>
    new Response(`<h1>${decodeURIComponent(body)} ${JSON.stringify(headers)}</h1>`, {
      status,
      headers: { 'content-type': 'text/html' },
    })
}

const answers: Readonly<Record<string, Behaviour>> = {
  'a refusal that repeats the request': echo(400),
  'a refusal with status 200': echo(200),
  'a refused client': echo(401),
  'an overload': echo(429),
  'a failure with JSON': echo(500),
  'a page with everything in it': echoPage(503),
  'another page': echoPage(404),
  'a broken connection': reset(),
  'half an answer': cutOff(),
  'an answer without a token': answer({ token_type: 'Bearer', refresh_token: given.refreshToken }),
  'no ID token': tokens({ access_token: given.accessToken, refresh_token: given.refreshToken }),
  'an ID token that is none': tokens({ access_token: given.accessToken, id_token: `e30.${given.accessToken}.e30` }),
  'an ID token of another user': tokens({
    access_token: given.accessToken,
    refresh_token: given.refreshToken,
    id_token: signIdToken(idTokenClaims({ sub: 'mallory', nonce: 'c4n4ry-other-nonce' })),
  }),
  'plain text': plain(given.accessToken, 'text/plain'),
  silence: refusal('temporarily_unavailable'),
}

let printed: unknown[]
beforeEach(() => {
  printed = []
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, name).mockImplementation((...args) => void printed.push(args))
  }
})
afterEach(() => void vi.restoreAllMocks())

async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error)
}

/** Goes through a whole login with this answer at every place, and gives all that came out, with all that is secret. */
async function goThrough(behaviour: Behaviour, set: ProviderSetUp) {
  const { provider, server, begin, back, events } = set
  const seen: unknown[] = []
  const secrets = new Set<string>(Object.values(given))
  const note = async (work: Promise<unknown>) => void seen.push(await outcomeOf(work))

  const request = await begin()
  const { state, nonce, codeVerifier } = request.transaction
  for (const secret of [state, nonce, codeVerifier]) secrets.add(secret)
  seen.push(request, request.transaction)
  const sealed = await sealTransaction(request.transaction, ring, 'c')
  seen.push(await openTransaction(sealed, ring, 'c'))

  await note(provider.redeem(back(request, { state: 'c4n4ry-foreign-state' }), request.transaction))
  const errors = { error: 'server_error', error_description: `${state} ${given.code} ${codeVerifier}` }
  server.script('/token', behaviour)
  await note(provider.redeem(back(request), request.transaction))
  await note(provider.redeem(back(request), request.transaction))
  const denied = await begin()
  secrets.add(denied.transaction.state)
  await note(provider.redeem(back(denied, { ...errors, error_uri: denied.transaction.state }), denied.transaction))
  const good = await begin()
  for (const secret of [good.transaction.state, good.transaction.nonce, good.transaction.codeVerifier])
    secrets.add(secret)
  const idToken = signIdToken(idTokenClaims({ nonce: good.transaction.nonce }))
  secrets.add(idToken)
  server.script(
    '/token',
    tokens({ access_token: given.accessToken, refresh_token: given.refreshToken, id_token: idToken }),
  )
  server.script('/userinfo', behaviour)
  await note(provider.redeem(back(good), good.transaction))
  const held = { accessToken: given.accessToken, refreshToken: given.refreshToken, idToken, scope: [] } as never
  server.script('/token', behaviour)
  await note(provider.refresh(held))
  server.script('/revoke', behaviour)
  await note(provider.revoke(held))
  server.script('/par', behaviour)
  await note(provider.client.authorizationRequest({ redirectUri: 'https://app.example/cb', par: 'always' }))
  server.script('/device', behaviour)
  await note(provider.deviceAuthorization())
  await note(provider.preflight({ checkClient: true }))
  seen.push(events, printed, await provider.verifyIdToken(idToken, { nonce: good.transaction.nonce }))
  return { seen, secrets, provider }
}

it.each(Object.entries(answers))('[A9] [SEC-03] shows no secret of a login after %s', async (_name, behaviour) => {
  const { seen, secrets, provider } = await goThrough(behaviour, setUpProvider({ fetchUserInfo: true }))
  secrets.add(Buffer.from(ring[0]?.secret ?? []).toString())
  secrets.add(Buffer.from(`app:${given.clientSecret}`).toString('base64'))
  expect(secrets.size).toBeGreaterThan(12)
  const all = [...seen, provider as Provider].map(views).join('\n')
  for (const secret of secrets) expect(all.includes(secret), secret).toBe(false)
})

it('[A9] finds a secret that is shown', async () => {
  const { transaction } = await setUpProvider().begin()
  expect(views({ leaked: transaction.state })).toContain(transaction.state)
})
