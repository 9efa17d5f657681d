import { once } from 'node:events'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAuthError } from '../../src/errors/index.js'
import type { RequestFacts } from '../../src/http/request-facts.js'
import { type Binding, createBinding } from '../../src/resource-server/binding/binding.js'
import { certificateThumbprint } from '../../src/resource-server/binding/client-certificate.js'
import { createCertificate, derBase64, type TestCertificate } from '../support/certificates.js'
import { accessToken, dpopSettings, refusalOf, resource } from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

function createTestBinding(): Binding {
  const dpop = dpopSettings()
  const surroundings = { clock: dpop.clock, onEvent: undefined }
  const mtls = { certificateFrom: 'connection' } as const
  return createBinding({ dpop, mtls, replayStore: dpop.replayStore, trustedProxies: [], surroundings })
}

function check(facts: RequestFacts, thumbprint: string) {
  return createTestBinding().check({
    facts,
    scheme: 'Bearer',
    token: accessToken,
    confirmation: { 'x5t#S256': thumbprint },
    modes: { dpop: 'allowed', mtls: 'allowed' },
    resource,
  })
}

describe('RFC 8705 vectors', () => {
  const certificate = Buffer.from(derBase64, 'base64')
  const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0'

  it('[V-08] [MTLS-01] computes the thumbprint of the certificate in Appendix A', async () => {
    expect(await certificateThumbprint(certificate)).toBe(thumbprint)
    expect(await check(requestFacts({ certificate }), thumbprint)).toMatchObject({
      confirmation: { 'x5t#S256': thumbprint },
    })
  })

  it('[V-08] [MTLS-02] compares text, so that a second spelling of the same bytes is another value', async () => {
    const spelling = `${thumbprint.slice(0, -1)}1`
    expect(Buffer.from(spelling, 'base64url')).toEqual(Buffer.from(thumbprint, 'base64url'))
    expect(await refusalOf(() => check(requestFacts({ certificate }), spelling))).toMatchObject({
      code: 'ERR_TOKEN_CERTIFICATE',
    })
  })

  it('[V-08] [MTLS-02] reads the non-canonical sample of §3.1 without decoding it', async () => {
    const sample = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'
    expect(await refusalOf(() => check(requestFacts({ certificate }), sample))).toMatchObject({
      code: 'ERR_TOKEN_CERTIFICATE',
      detail: 'another certificate',
    })
  })
})

describe('a certificate-bound token over real TLS', () => {
  let server: Server
  let serverCertificate: TestCertificate
  let client: TestCertificate
  let thumbprint: string

  beforeAll(async () => {
    serverCertificate = await createCertificate('server')
    client = await createCertificate('client')
    thumbprint = await certificateThumbprint(client.der)
    const { cert, key } = serverCertificate
    server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (incoming, outgoing) => {
      const facts: RequestFacts = {
        method: 'GET',
        url: incoming.url ?? '/',
        headerValues: () => [],
        secure: true,
        clientCertificate: () => (incoming.socket as TLSSocket).getPeerCertificate().raw,
      }
      Promise.resolve()
        .then(() => check(facts, thumbprint))
        .then(
          () => outgoing.end('passed'),
          (error: unknown) => outgoing.end(isAuthError(error) ? error.code : 'bug'),
        )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterAll(() => {
    server.close()
  })

  async function get(certificate: TestCertificate | undefined): Promise<string> {
    const { port } = server.address() as AddressInfo
    const own = certificate && { cert: certificate.cert, key: certificate.key }
    const outgoing = request({ host: '127.0.0.1', port, ca: serverCertificate.cert, agent: false, ...own }).end()
    const [incoming] = await once(outgoing, 'response')
    return (await incoming.toArray()).join('')
  }

  it('[MTLS-01] [MTLS-03] passes with that certificate, self-signed as it is', async () => {
    expect(await get(client)).toBe('passed')
  })

  it('[MTLS-01] [E-11] is refused with another certificate', async () => {
    expect(await get(await createCertificate('client'))).toBe('ERR_TOKEN_CERTIFICATE')
  })

  it('[MTLS-01] [E-11] is refused without a certificate', async () => {
    expect(await get(undefined)).toBe('ERR_TOKEN_CERTIFICATE')
  })
})
