import type { JsonObject } from '../kit/json.js'
import type { SigningKey } from './key-ring.js'
import { signCompact, signSegments } from './sign-compact.js'

/** What {@link brokenJwts} builds on. @group Testing */
export interface JwtContents {
  readonly header: JsonObject
  readonly payload: JsonObject
  readonly key: SigningKey
}

/**
 * Tokens that are no well-formed JWT, by what is wrong with them. Wherever a signature can be made it is a good one, so
 * that only a parser that looks will refuse them. Members that come twice are not among them: RFC 7515 §4 lets a parser
 * keep the last one; make such tokens with {@link signCompact}.
 *
 * @param parts - header, claims and key of a token that would be accepted.
 * @example
 * ```ts
 * it.each(Object.entries(brokenJwts(issuer.tokenParts())))('refuses %s', async (_defect, token) => {
 *   expect([400, 401]).toContain((await callApi(token)).status) // 400: no token68, so no credentials at all
 * })
 * ```
 * @group Testing
 */
export function brokenJwts(parts: JwtContents): Readonly<Record<string, string>> {
  return { ...brokenSegments(parts), ...brokenJson(parts) }
}

/** JSON text of objects nested `depth` levels deep. @group Testing */
export function deepJson(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

function brokenSegments(parts: JwtContents): Record<string, string> {
  const token = signCompact(parts)
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const resigned = (signingInput: string) => signSegments(signingInput, parts.key)
  return {
    'one segment': header,
    'two segments': `${header}.${payload}`,
    'four segments': `${token}.${signature}`,
    'five segments': `${token}.${signature}.${signature}`,
    'an empty header': resigned(`.${payload}`),
    'an empty payload': resigned(`${header}.`),
    'an empty signature': `${header}.${payload}.`,
    'padding after the header': resigned(`${header}=.${payload}`),
    'padding after the payload': resigned(`${header}.${payload}=`),
    'padding after the signature': `${token}=`,
    'white space in the payload': resigned(`${header}.${payload.slice(0, 8)} ${payload.slice(8)}`),
    'a character of no alphabet': resigned(`${header}.${payload.slice(0, 8)}!${payload.slice(8)}`),
    'a signature of a length no bytes encode to': `${header}.${payload}.AAAAA`,
    'a signature with spare bits set': `${header}.${payload}.${withSpareBitSet(signature)}`,
  }
}

function brokenJson({ header, payload, key }: JwtContents): Record<string, string> {
  const headerText = JSON.stringify(header)
  const payloadText = JSON.stringify(payload)
  return {
    'a header that is no JSON': signCompact({ header: headerText.slice(0, -1), payload, key }),
    'a header that is an array': signCompact({ header: `[${headerText}]`, payload, key }),
    'a payload that is no JSON': signCompact({ header, payload: payloadText.slice(0, -1), key }),
    'a payload that is an array': signCompact({ header, payload: `[${payloadText}]`, key }),
    'a payload that is null': signCompact({ header, payload: 'null', key }),
    'a payload that is no UTF-8': signCompact({ header, payload: withInvalidUtf8(payloadText), key }),
    'claims nested 1,000 levels deep': signCompact({ header, payload: withDeepMember(payloadText), key }),
  }
}

/** RFC 4648 §3.5: a decoder that ignores the spare bits reads the same bytes, so one token has several spellings. */
function withSpareBitSet(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(segment.slice(-1))
  return segment.slice(0, -1) + alphabet.charAt(last ^ 1)
}

function withInvalidUtf8(objectText: string): Uint8Array {
  const tail = Buffer.from(',"invalid":"\xff"}', 'latin1')
  return Buffer.concat([Buffer.from(objectText.slice(0, -1)), tail])
}

function withDeepMember(objectText: string): string {
  return `${objectText.slice(0, -1)},"deep":${deepJson(1000)}}`
}
