import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** The certificate of RFC 8705 Appendix A: DER in base64. */
export const derBase64 =
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY='

/** The same certificate as PEM. */
export const pem = `-----BEGIN CERTIFICATE-----\n${derBase64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

/** A self-signed certificate and its key, for a TLS peer in tests. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  readonly der: Uint8Array
}

/** Makes a certificate for `localhost` and 127.0.0.1, good for an hour. */
export async function createCertificate(commonName: string): Promise<TestCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${commonName}`,
      keys: keys as CryptoKeyPair,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    },
    webcrypto as unknown as Crypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    der: new Uint8Array(certificate.rawData),
  }
}

/** An authority of one's own, which issues certificates for a host name. */
export interface TestAuthority {
  readonly cert: string
  /** Good from two hours ago until `lifeMs` from now, an hour by default; negative for one that has expired. */
  issue(hostname: string, lifeMs?: number): Promise<{ readonly cert: string; readonly key: string }>
}

export async function createAuthority(commonName: string): Promise<TestAuthority> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const platform = webcrypto as unknown as Crypto
  const generate = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>
  const times = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const keys = await generate()
  const name = `CN=${commonName}`
  const extensions = [new x509.BasicConstraintsExtension(true, 0, true)]
  const own = await x509.X509CertificateGenerator.createSelfSigned(
    { name, keys, signingAlgorithm: algorithm, ...times, extensions },
    platform,
  )
  return {
    cert: own.toString('pem'),
    async issue(hostname, lifeMs = 3_600_000) {
      const { publicKey, privateKey } = await generate()
      const certificate = await x509.X509CertificateGenerator.create(
        {
          ...{ subject: `CN=${hostname}`, issuer: name, publicKey, signingKey: keys.privateKey },
          ...{ signingAlgorithm: algorithm },
          notBefore: new Date(Date.now() - 7_200_000),
          notAfter: new Date(Date.now() + lifeMs),
          extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: hostname }])],
        },
        platform,
      )
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)).toString('base64')
      const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
      return { cert: certificate.toString('pem'), key }
    },
  }
}
