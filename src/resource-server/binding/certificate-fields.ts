import { decodeBase64url, encodeBase64url } from '#crypto'
import { isBase64url } from '../../kit/base64url.js'
import { type Pair, readElements } from './quoted-list.js'

const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/
const pemBlock = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/
const pemChain = /^(?:\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*$/
const hexHash = /^[0-9A-Fa-f]{64}$/
const derSequence = 0x30

/** Reads the structured-field byte sequence of `Client-Cert` (RFC 9440 §2.2, RFC 8941 §3.3.5). */
export function readByteSequence(value: string): Uint8Array | undefined {
  return decodeDer(byteSequence.exec(value.trim())?.[1])
}

/**
 * Reads a percent-encoded PEM certificate, as nginx (`$ssl_client_escaped_cert`) and AWS load balancers write it. `+`
 * stands for itself: neither encodes a blank so, and AWS leaves `+`, `/` and `=` as they are. Of a chain the first
 * certificate counts: the leaf. Anything between or behind the certificates but blanks, such as the comma of two fields
 * that were joined, makes it malformed.
 */
export function readEscapedPem(value: string): Uint8Array | undefined {
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
export function readEnvoyCertificate(value: string): StatedCertificate | undefined {
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
