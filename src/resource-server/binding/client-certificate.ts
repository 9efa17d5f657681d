import { sha256BytesBase64url } from '#crypto'
import type { RequestFacts } from '../../http/request-facts.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import { readByteSequence, readEnvoyCertificate, readEscapedPem, type StatedCertificate } from './certificate-fields.js'
import type { IsTrustedProxy } from './trusted-proxies.js'

/** Where the client certificate comes from; see `MtlsOptions.certificateFrom`. */
export type CertificateSource = 'connection' | 'rfc9440' | 'xfcc' | 'nginx' | 'aws'

/**
 * A client certificate, its thumbprint where the proxy told it, or both: then both have to be right. Where there is
 * neither, `detail` says why in words for a log.
 */
export interface CertificateReading extends StatedCertificate {
  readonly detail?: string | undefined
}

/** What decides where certificates are read. */
export interface ClientCertificateSettings {
  readonly certificateFrom: CertificateSource
  readonly isTrustedProxy: IsTrustedProxy
}

interface FieldFormat {
  /** One of these fields carries the certificate. */
  readonly names: readonly string[]
  readonly read: (value: string) => StatedCertificate | undefined
}

const formats: Readonly<Record<Exclude<CertificateSource, 'connection'>, FieldFormat>> = {
  rfc9440: { names: ['client-cert'], read: (value) => stated(readByteSequence(value)) },
  xfcc: { names: ['x-forwarded-client-cert'], read: readEnvoyCertificate },
  nginx: { names: ['x-ssl-client-cert'], read: (value) => stated(readEscapedPem(value)) },
  aws: {
    names: ['x-amzn-mtls-clientcert-leaf', 'x-amzn-mtls-clientcert'],
    read: (value) => stated(readEscapedPem(value)),
  },
}

/**
 * Makes the reader of client certificates: from the TLS connection, or from the one field a trusted proxy sets (RFC
 * 8705 §6.5). Never from a peer that is no trusted proxy, never from a field that occurs more than once. Checks neither
 * chain nor dates: the binding is by hash alone (RFC 8705 §6.2). The reader never throws.
 */
export function createClientCertificateReader(
  settings: ClientCertificateSettings,
): (facts: RequestFacts) => CertificateReading {
  const { certificateFrom, isTrustedProxy } = settings
  if (certificateFrom === 'connection') return readConnection
  const format = formats[certificateFrom]
  return (facts) => {
    if (!isTrustedProxy(facts.remoteAddress)) return { detail: 'the peer is not a trusted proxy' }
    const values = format.names.flatMap((name) => facts.headerValues(name))
    const [value = '', ...others] = values
    if (others.length > 0) return { detail: 'several certificate fields' }
    if (value.trim() === '') return { detail: 'no certificate field' }
    return format.read(value) ?? { detail: 'the certificate field is malformed' }
  }
}

/**
 * The value of `x5t#S256` for a certificate: SHA-256 of its DER bytes in base64url (RFC 8705 §3.1). Compare it as a
 * string; the claim is never decoded.
 */
export function certificateThumbprint(der: Uint8Array): MaybePromise<string> {
  return sha256BytesBase64url(der)
}

function stated(certificate: Uint8Array | undefined): StatedCertificate | undefined {
  return certificate && { certificate }
}

function readConnection(facts: RequestFacts): CertificateReading {
  const certificate = facts.clientCertificate?.()
  return certificate === undefined || certificate.length === 0
    ? { detail: 'no certificate on the connection' }
    : { certificate }
}
