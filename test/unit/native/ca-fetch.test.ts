import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { rootCertificates } from 'node:tls'
import {
  clientCredentialsSource,
  clientSecretBasic,
  createAuthenticatedFetch,
  createOAuthClient,
  staticSource,
  tokenSetFromResponse,
} from 'portcullis/client'
import { caFetch } from 'portcullis/native'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority, type TestAuthority } from '../../support/certificates.js'

const servers: Server[] = []
let ours: TestAuthority
let theirs: TestAuthority
let issuer: string

/** An authorization server and an API in one, with a certificate for `hostname`; reached as localhost. */
async function start(authority: TestAuthority, hostname = 'localhost'): Promise<string> {
  const server = createServer(await authority.issue(hostname), async (request, response) => {
    const body = (await buffer(request)).toString()
    const origin = `https://${request.headers.host}`
    const { authorization, 'content-type': type, 'content-length': length } = request.headers
    const answers: Record<string, object> = {
      '/.well-known/oauth-authorization-server': { issuer: origin, token_endpoint: `${origin}/token` },
      '/token': { access_token: 'mine', token_type: 'Bearer', expires_in: 60 },
    }
    const answer = answers[request.url ?? ''] ?? { method: request.method, authorization, type, length, body }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  server.listen(0)
  await once(server, 'listening')
  servers.push(server)
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  ours = await createAuthority('our authority')
  theirs = await createAuthority('another authority')
  issuer = await start(ours)
})
afterAll(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'reached',
    ({ cause }: { readonly cause?: { readonly code?: string } }) => cause?.code,
  )

describe('caFetch', () => {
  it('[S1-21] [S1-35] reaches an issuer and an API whose certificates come from a private authority', async () => {
    const fetch = caFetch({ ca: ours.cert })
    const credential = clientSecretBasic({ clientId: 'app', clientSecret: 'secret' })
    await using client = createOAuthClient({ issuer, credential, fetch })
    expect((await client.ready()).token_endpoint).toBe(`${issuer}/token`)
    const source = clientCredentialsSource(client)
    await using api = createAuthenticatedFetch(source, { allowedOrigins: [issuer], baseUrl: issuer, fetch })
    expect(await (await api.post('/notes', { body: 'text' })).json()).toMatchObject({
      ...{ method: 'POST', authorization: 'Bearer mine', body: 'text' },
    })
  })

  it('[S1-21] trusts the authorities that it was given, and no other', async () => {
    const elsewhere = await start(theirs)
    const all = caFetch({ ca: [`${ours.cert}\n${theirs.cert}`, rootCertificates[0] as string] })
    expect([await codeOf(all(issuer)), await codeOf(all(elsewhere))]).toEqual(['reached', 'reached'])
    expect(await codeOf(caFetch({ ca: ours.cert })(elsewhere))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(await codeOf(caFetch({ ca: rootCertificates.slice(0, 3) })(issuer))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(await codeOf(globalThis.fetch(issuer))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('[S0-10] [S1-21] checks the name in the certificate', async () => {
    const elsewhere = await start(ours, 'login.example.com')
    expect(await codeOf(caFetch({ ca: ours.cert })(elsewhere))).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('sends what the platform sends: requests, forms, buffers, with their headers and signals', async () => {
    const fetch = caFetch({ ca: ours.cert })
    const form = new FormData()
    form.set('note', 'text')
    const sent = async (...call: Parameters<typeof fetch>) => (await fetch(...call)).json()
    const tokens = tokenSetFromResponse({ access_token: 'mine', token_type: 'Bearer' })
    await using api = createAuthenticatedFetch(staticSource(tokens), { allowedOrigins: [issuer], fetch })
    const answer = await (await api.post(`${issuer}/notes`, { body: form })).json()
    expect(answer).toMatchObject({ type: expect.stringMatching(/^multipart/), body: expect.stringContaining('text') })
    const headers = { authorization: 'Bearer x' }
    expect(await sent(new Request(`${issuer}/me`, { headers }))).toMatchObject({
      ...{ method: 'GET', authorization: 'Bearer x', body: '' },
    })
    expect(await sent(new URL(`${issuer}/me`), { method: 'PUT', body: new Uint8Array([104, 105]) })).toMatchObject({
      ...{ method: 'PUT', body: 'hi' },
    })
    const streamed = { method: 'POST', body: new Blob(['text']).stream(), duplex: 'half' } as RequestInit
    const { length, body } = (await sent(issuer, streamed)) as { readonly length?: string; readonly body: string }
    expect([length, body]).toEqual([undefined, 'text'])
    const gone = new Request(issuer, { signal: AbortSignal.abort(new Error('gone')) })
    await expect(fetch(gone)).rejects.toThrow('gone')
  })

  it.each([
    ['nothing', undefined],
    ['no certificate', []],
    ['a path', '/etc/ssl/company.pem'],
    ['bytes', new Uint8Array(3)],
    ['a certificate that is cut', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
  ])('refuses %s at the start, and says no more of it', (_name, ca) => {
    expect(() => caFetch({ ca: ca as string })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.not.stringContaining('MIIB') }),
    )
    expect(() => caFetch({ ca: ca as string })).toThrow('-----BEGIN CERTIFICATE-----')
  })

  it('says whose option is not known', () => {
    expect(() => caFetch({ ca: ours.cert, cert: 'x' } as never)).toThrow('caFetch has no option `cert`')
  })
})
