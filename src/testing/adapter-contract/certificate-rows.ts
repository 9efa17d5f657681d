import type { ContractSettings } from './contract-row.js'
import { bearer, type ContractKit, invalidToken, proofOf, resource } from './contract-row.js'

/** The certificate of RFC 8705 Appendix A: DER in base64. */
const derBase64 =
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY='
/** The certificate of RFC 8705 Appendix A, its thumbprint, and the field a proxy sets for it (RFC 9440). */
const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0'
const certificate = [['Client-Cert', `:${derBase64}:`]] as const
const notPresented = invalidToken('The access token is bound to a client certificate that was not presented')

function certifiedToken({ issuer }: ContractKit, further: object = {}): string {
  return issuer.mintToken({ cnf: { 'x5t#S256': thumbprint, ...further } })
}

/** Certificate-bound tokens (RFC 8705 §3), behind a proxy at 127.0.0.1 that ends TLS. */
export const certificateSettings: ContractSettings = {
  name: 'takes client certificates from its proxy',
  options: () => ({ mtls: { certificateFrom: 'rfc9440' }, trustedProxies: ['127.0.0.1'] }),
  rows: [
    {
      title: '[MTLS-01] [MTLS-04] accepts a token bound to the certificate that was presented',
      request: (kit) => ({ path: '/me', fields: [...bearer(certifiedToken(kit)), ...certificate] }),
      status: 200,
      body: { subject: 'user-1', scheme: 'Bearer', resource, scope: 'read' },
    },
    {
      title: '[MTLS-01] accepts it where bound tokens are demanded',
      request: (kit) => ({ path: '/certified', fields: [...bearer(certifiedToken(kit)), ...certificate] }),
      status: 200,
    },
    {
      title: '[E-11] [MTLS-01] refuses it without a certificate',
      request: (kit) => ({ path: '/me', fields: bearer(certifiedToken(kit)) }),
      status: 401,
      challenges: notPresented,
    },
    {
      title: '[E-11] [MTLS-01] refuses it with another certificate',
      request(kit) {
        const other = derBase64.replace(/.{4}$/, 'AAA=')
        return { path: '/me', fields: [...bearer(certifiedToken(kit)), ['Client-Cert', `:${other}:`]] }
      },
      status: 401,
      challenges: notPresented,
    },
    {
      title: '[E-11] [ADP-08] refuses it with a field that holds no certificate',
      request: (kit) => ({ path: '/me', fields: [...bearer(certifiedToken(kit)), ['Client-Cert', ':%%%:']] }),
      status: 401,
      challenges: notPresented,
    },
    {
      title: '[E-11] [MTLS-04] refuses it with two certificate fields, also when both are good',
      request: (kit) => ({ path: '/me', fields: [...bearer(certifiedToken(kit)), ...certificate, ...certificate] }),
      status: 401,
      challenges: notPresented,
    },
    {
      title: '[MTLS-01] refuses an unbound token where bound ones are demanded',
      request: ({ issuer }) => ({ path: '/certified', fields: [...bearer(issuer.mintToken()), ...certificate] }),
      status: 401,
      challenges: invalidToken('The access token is not bound to a key'),
    },
    {
      title: '[MTLS-06] accepts a token bound to both with proof and certificate',
      request: (kit) => ({
        path: '/me',
        fields: [...proofOf(kit, certifiedToken(kit, { jkt: kit.client.jkt }), '/me'), ...certificate],
      }),
      status: 200,
    },
    {
      title: '[MTLS-06] does not take the certificate for a proof',
      request: (kit) => ({
        path: '/me',
        fields: [...bearer(certifiedToken(kit, { jkt: kit.client.jkt })), ...certificate],
      }),
      status: 401,
      challenges: invalidToken('The access token is bound to a key and cannot be sent as a Bearer token'),
    },
    {
      title: '[MTLS-06] does not take the proof for a certificate',
      request: (kit) => ({
        path: '/me',
        fields: proofOf(kit, certifiedToken(kit, { jkt: kit.client.jkt }), '/me'),
      }),
      status: 401,
      challenges: invalidToken('The access token is bound to a client certificate that was not presented', 'DPoP'),
    },
  ],
}
