import { type AuthorizationDetailsRule, createResourceServer } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../support/client-set-up.js'
import { answer, refusal, tokens } from '../support/fake-token-endpoint.js'

/** A payment of 123.50 euros, in the shape of the examples of §2. */
const payment = {
  type: 'payment_initiation',
  actions: ['initiate', 'status', 'cancel'],
  locations: ['https://example.com/payments'],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
}
const accounts = {
  type: 'account_information',
  actions: ['list_accounts'],
  locations: ['https://example.com/accounts'],
}
const resource = 'https://example.com/payments'
const issuer = createTestIssuer({ audience: resource })
const server = createResourceServer({
  resource,
  issuer: {
    issuer: issuer.issuer,
    introspection: { credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }) },
  },
  fetch: issuer.fetch,
})
afterAll(() => issuer.close())

const mayInitiate: AuthorizationDetailsRule = {
  payment_initiation: ({ actions }) => Array.isArray(actions) && actions.includes('initiate'),
}

describe.each([
  ['the claim of a JWT (§9.1)', (details: unknown) => issuer.mintToken({ authorization_details: details })],
  ['an introspection answer (§9.2)', (details: unknown) => issuer.mintOpaqueToken({ authorization_details: details })],
] as const)('RFC 9396 in %s', (_place, mint) => {
  async function outcome(details: unknown, authorizationDetails?: AuthorizationDetailsRule) {
    const request = requestFacts({ headers: { authorization: `Bearer ${mint(details)}` } })
    const result = await server.authenticate(request, { authorizationDetails })
    if (result.ok) return 'accepted'
    const [challenge = ''] = [result.answer.headers['WWW-Authenticate'] ?? ''].flat()
    return `${result.error.code}: ${challenge.includes('scope="') ? 'with' : 'without'} scope`
  }

  it('[RAR-01] [RAR-02] [RAR-04] grants what the details say', async () => {
    expect(await outcome([payment, accounts], mayInitiate)).toBe('accepted')
    expect(await outcome([{ ...payment, locations: undefined }], mayInitiate)).toBe('accepted')
    expect(await outcome(undefined)).toBe('accepted')
  })

  it('[RAR-02] [RAR-03] [RAR-04] [C-26] grants nothing beyond, and names no scope', async () => {
    const insufficient = 'ERR_AUTHORIZATION_DETAILS: without scope'
    expect(await outcome([accounts], mayInitiate)).toBe(insufficient)
    expect(await outcome(undefined, mayInitiate)).toBe(insufficient)
    expect(await outcome([{ ...payment, type: 'Payment_initiation' }], mayInitiate)).toBe(insufficient)
    expect(await outcome([{ ...payment, actions: ['status'] }], mayInitiate)).toBe(insufficient)
    expect(await outcome([{ ...payment, locations: [`${resource}/`] }], mayInitiate)).toBe(insufficient)
    expect(await outcome([{ ...payment, locations: [] }], mayInitiate)).toBe(insufficient)
  })

  it.each([
    [payment],
    ['payment_initiation'],
    [[payment, 'payment_initiation']],
    [[{ actions: ['initiate'] }]],
    [[{ type: 7 }]],
    [JSON.stringify([payment])],
    [null],
  ])('[RAR-01] [RAR-02] refuses the token for %j', async (details) => {
    expect(await outcome(details)).toBe('ERR_TOKEN_CLAIM_INVALID: without scope')
  })
})

describe('RFC 9396 at the client', () => {
  const parameters = { authorization_details: JSON.stringify([payment]) }

  it('[RAR-05] [RAR-06] pushes the details, JSON in a form field', async () => {
    const { client, server: fake } = setUpClient()
    fake.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    const pushed = await client.pushAuthorizationRequest({
      redirectUri: 'https://app.example/callback',
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      state: 'a',
      parameters,
    })
    expect(JSON.parse(fake.at('/par')[0]?.form.get('authorization_details') ?? '')).toEqual([payment])
    expect(fake.at('/par')[0]?.body).toContain('authorization_details=%5B%7B%22type%22%3A')
    expect(pushed.authorizationUrl).not.toContain('authorization_details')
  })

  it('[RAR-05] sends them in token requests, and hands over what was granted', async () => {
    const { client, server: fake } = setUpClient()
    const granted = [{ ...payment, actions: ['initiate'] }]
    fake.script('/token', tokens({ authorization_details: granted }))
    const token = await client.clientCredentials({ parameters })
    expect(JSON.parse(fake.at('/token')[0]?.form.get('authorization_details') ?? '')).toEqual([payment])
    expect(token.raw['authorization_details']).toEqual(granted)
  })

  it('[RAR-05] tells a refusal of the details by its error', async () => {
    const { client, server: fake } = setUpClient()
    fake.script('/token', refusal('invalid_authorization_details'))
    expect(await rejection(client.clientCredentials({ parameters }))).toMatchObject({
      name: 'OAuthResponseError',
      error: 'invalid_authorization_details',
    })
  })
})
