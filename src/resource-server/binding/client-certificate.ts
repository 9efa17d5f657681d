/** Where the certificate of a client is read. Checks neither chain nor dates: the server in front does. */
import { decodeBase64url, encodeBase64url, sha256BytesBase64url } from '#crypto'
import type { RequestFacts } from '../../http/request-facts.js'
import { type IsTrustedProxy, type Pair, readElements } from '../../http/trusted-proxies.js'
import { isBase64url } from '../../jws/compact-jws.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'

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
 * 8705 §6.5). Never from a peer that is not a trusted proxy, never from a field that occurs more than once. Checks neither
 * chain nor dates: the binding is only by hash (RFC 8705 §6.2). The reader never throws.
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

const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/

const pemBlock = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/

const pemChain = /^(?:\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*$/

const hexHash = /^[0-9A-Fa-f]{64}$/

const derSequence = 0x30

/** Reads the structured-field byte sequence of `Client-Cert` (RFC 9440 §2.2, RFC 8941 §3.3.5). */
function readByteSequence(value: string): Uint8Array | undefined {
  return decodeDer(byteSequence.exec(value.trim())?.[1])
}

/**
 * Reads a percent-encoded PEM certificate, as nginx (`$ssl_client_escaped_cert`) and AWS load balancers write it. `+`
 * stands for itself: neither encodes a blank so, and AWS leaves `+`, `/` and `=` as they are. Of a chain the first
 * certificate counts: the leaf. Anything between or behind the certificates but blanks, such as the comma of two fields
 * that were joined, makes it malformed.
 */
function readEscapedPem(value: string): Uint8Array | undefined {
  const pem = decodePercent(value)
  return pem === undefined || !pemChain.test(pem)
    ? undefined
    : decodeDer(pemBlock.exec(pem)?.[1]?.replaceAll(/\s/g, ''))
}

/** What a field says of the client certificate: the certificate, its SHA-256 in base64url, or both. */
export interface StatedCertificate {
  readonly certificate?: Uint8Array | undefined
  readonly thumbprint?: string | undefined
}

/**
 * Reads Envoy's `X-Forwarded-Client-Cert`: exactly one element, with one `Cert`, one `Hash` or one of each; does NOT
 * compare them. Envoy writes `URI` and `DNS` unquoted, as they stand in the certificate, and whoever made the certificate
 * chose them. So `Cert` and `Hash` may stand behind `By` and `Chain` only, where Envoy puts them.
 */
function readEnvoyCertificate(value: string): StatedCertificate | undefined {
  const elements = readElements(value)
  const [element = []] = elements ?? []
  const members = elements?.length === 1 ? readStatements(element) : undefined
  if (members === undefined || members.size === 0) return undefined
  const cert = members.get('cert')
  const hash = members.get('hash')
  const certificate = cert === undefined ? undefined : readEscapedPem(cert)
  const thumbprint = hash === undefined ? undefined : readHexHash(hash)
  const isWhole =
    (certificate !== undefined) === (cert !== undefined) && (thumbprint !== undefined) === (hash !== undefined)
  return isWhole ? { certificate, thumbprint } : undefined
}

/** `Cert` and `Hash`; `undefined` where one comes twice, or behind what the client chose. */
function readStatements(element: readonly Pair[]): ReadonlyMap<string, string> | undefined {
  const members = new Map<string, string>()
  let clientChose = false
  for (const [name, value] of element) {
    if (name !== 'cert' && name !== 'hash') clientChose ||= name !== 'by' && name !== 'chain'
    else if (clientChose || members.has(name)) return undefined
    else members.set(name, value)
  }
  return members
}

function readHexHash(text: string): string | undefined {
  if (!hexHash.test(text)) return undefined
  return encodeBase64url(
    Uint8Array.from({ length: 32 }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16)),
  )
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function decodeDer(base64: string | undefined): Uint8Array | undefined {
  const text =
    base64
      ?.replace(/={1,2}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_') ?? ''
  if (!isBase64url(text)) return undefined
  const bytes = decodeBase64url(text)
  return bytes[0] === derSequence ? bytes : undefined
}
