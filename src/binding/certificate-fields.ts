import { decodeBase64url } from '#crypto'
import { isBase64url } from '../lib/base64url.js'
import { readPairs, splitOutsideQuotes } from './quoted-list.js'

const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/
const pemBlock = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/
const derSequence = 0x30

/** Reads the structured-field byte sequence of `Client-Cert` (RFC 9440 §2.2, RFC 8941 §3.3.5). */
export function readByteSequence(value: string): Uint8Array | undefined {
  return decodeDer(byteSequence.exec(value.trim())?.[1])
}

/**
 * Reads a percent-encoded PEM certificate, as nginx (`$ssl_client_escaped_cert`) and AWS load balancers write it. `+`
 * stands for itself: neither encodes a blank so, and AWS leaves `+`, `/` and `=` as they are. Of a chain the first
 * certificate counts: the leaf.
 */
export function readEscapedPem(value: string): Uint8Array | undefined {
  const pem = decodePercent(value)
  return pem === undefined ? undefined : decodeDer(pemBlock.exec(pem)?.[1]?.replaceAll(/\s/g, ''))
}

/**
 * Reads `Cert` of the last element of Envoy's `X-Forwarded-Client-Cert`. A proxy that appends puts the certificate of
 * its own TLS client last; whatever stands before came in with the request. Elements without `Cert` (Envoy's default is
 * `Hash` alone) give nothing.
 */
export function readEnvoyCertificate(value: string): Uint8Array | undefined {
  const last = splitOutsideQuotes(value, ',')?.at(-1)
  const certificate = last === undefined ? undefined : readPairs(last)?.get('cert')
  return certificate === undefined ? undefined : readEscapedPem(certificate)
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
