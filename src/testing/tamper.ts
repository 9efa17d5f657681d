import { parseJsonObject } from '../kit/json.js'
import { toSegment } from './compact-jws.js'

/** Which segment of a signed token is changed after signing. @group Testing */
export type TamperedSegment = 'header' | 'payload' | 'signature'

const tamperers: Record<TamperedSegment, (segments: readonly [string, string, string]) => string> = {
  header: ([header, payload, signature]) => `${withMember(header)}.${payload}.${signature}`,
  payload: ([header, payload, signature]) => `${header}.${withMember(payload)}.${signature}`,
  signature: ([header, payload, signature]) => `${header}.${payload}.${withBitFlipped(signature)}`,
}

/**
 * Changes one segment of a compact JWS so that all of it still parses and only the signature can tell: header and
 * payload get one more member, the signature one flipped bit.
 *
 * @param token - a compact JWS whose header and payload are JSON objects.
 * @example
 * ```ts
 * const response = await callApi(tamperWith(goodToken, 'payload')) // 401
 * ```
 * @group Testing
 */
export function tamperWith(token: string, segment: TamperedSegment): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return tamperers[segment]([header, payload, signature])
}

function withMember(segment: string): string {
  const members = parseJsonObject(Buffer.from(segment, 'base64url').toString())
  return toSegment({ ...members, tampered: true })
}

function withBitFlipped(signature: string): string {
  const bytes = Buffer.from(signature, 'base64url')
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
  return bytes.toString('base64url')
}
