import { createHash } from 'node:crypto'
import { derBase64, pem } from './certificates.js'

/** The certificate a token of the victim is bound to. */
export const victim = certificateOf(derBase64)
/** A certificate of the attacker's own, who chose every name in it. */
export const attacker = certificateOf(derBase64.replace('MIIB', 'MIIC'))

function certificateOf(base64: string) {
  const der = Buffer.from(base64, 'base64')
  const hash = createHash('sha256').update(der)
  const hex = hash.copy().digest('hex')
  return {
    der,
    hex,
    x5t: hash.digest('base64url'),
    escapedPem: encodeURIComponent(pem.replace('MIIB', base64.slice(0, 4))),
  }
}

/** Names as they stand in a certificate: text that whoever made the certificate chose. */
export interface CertificateNames {
  readonly subject?: string
  readonly uri?: readonly string[]
  readonly dns?: readonly string[]
}

/** Which members Envoy was told to write. It writes `Hash` always. */
export interface EnvoyOptions {
  readonly hash: boolean
  readonly cert: boolean
  readonly escapesSubject: boolean
}

/**
 * One element as Envoy writes it: `By`, `Hash`, `Cert`, `Chain`, `Subject`, `URI`, `DNS` in this order; the subject in
 * the escapes of RFC 2253 between quotes, the other names as they are.
 */
export function envoyElement(
  { hex, escapedPem }: typeof victim,
  { subject = 'CN=client', uri = [''], dns = [] }: CertificateNames,
  { hash, cert, escapesSubject }: EnvoyOptions,
): string {
  const shownSubject = escapesSubject ? subject.replace(/[",;\\<>+]/g, '\\$&') : subject
  return [
    'By=spiffe://mesh/ns/a/sa/gateway',
    ...(hash ? [`Hash=${hex}`] : []),
    ...(cert ? [`Cert="${escapedPem}"`, `Chain="${escapedPem}"`] : []),
    `Subject="${shownSubject}"`,
    ...uri.map((name) => `URI=${name}`),
    ...dns.map((name) => `DNS=${name}`),
  ].join(';')
}

/** Every way in which a proxy may describe its client, members of Envoy's field. */
export const envoyOptions: readonly EnvoyOptions[] = [true, false].flatMap((escapesSubject) => [
  { hash: true, cert: true, escapesSubject },
  { hash: true, cert: false, escapesSubject },
  { hash: false, cert: true, escapesSubject },
  { hash: false, cert: false, escapesSubject },
])
