/** Takes a token apart and says what it is, before anything of it is verified. */
import { shownText } from '../errors/index.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import { comparableType, isBase64url, readJsonSegment } from '../jws/compact-jws.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import {
  carriesForeignClaim,
  foreignTokenTypes,
  isGenericType,
  namesForeignKind,
  showsAccessToken,
  signsOfKind,
} from '../resource-server/token/token-type.js'
import { askFor } from './ask-instead.js'
import type { StepFinding } from './report.js'

/** The kind of token a check is made for. @group Explain */
export type TokenKind = 'id_token' | 'access_token'

/** What {@link readStructure} can tell. Members are `undefined` where the token did not get that far. */
export interface TokenStructure {
  readonly finding: StepFinding
  readonly header?: JsonObject | undefined
  readonly payload?: JsonObject | undefined
  readonly alg?: SignatureAlgorithm | undefined
  readonly kid?: string | undefined
  readonly signingInput?: string | undefined
  readonly signature?: string | undefined
  /** Members of the header that never choose a key. */
  readonly ignored: readonly string[]
}

/** The longest token that is looked at. */
const maxTokenLength = 65_536

function failed(sentence: string, shown: Pick<StepFinding, 'expected' | 'received'> = {}): StepFinding {
  return { outcome: 'failed', sentence, ...shown }
}

/**
 * Reads a compact JWS by the rules that need no key: three segments, JSON, an asymmetric `alg`, no `crit`, and a kind that
 * is the one asked for. Checks neither signature nor the values of claims. Never throws.
 */
export function readStructure(token: string, kind: TokenKind, audience: string | undefined): TokenStructure {
  if (token.length > maxTokenLength) {
    return bare(
      failed(`The token has more than ${maxTokenLength} characters; servers refuse it unread (RFC 9110 §5.4).`),
    )
  }
  const segments = token.split('.')
  if (segments.length === 5) {
    const sentence =
      'The token is encrypted (JWE): only who holds the key can read it. Register the client for signed tokens.'
    return bare(failed(sentence, { expected: '3 segments', received: '5 segments' }))
  }
  if (segments.length !== 3) {
    const sentence =
      'The token is not a JWT: it has no readable content. An API finds out about an opaque token by introspection (RFC 7662).'
    return bare(failed(sentence, { expected: '3 segments', received: `${segments.length} segments` }))
  }
  return readSegments(segments as [string, string, string], kind, audience)
}

function readSegments(
  [first, second, signature]: readonly [string, string, string],
  kind: TokenKind,
  audience: string | undefined,
): TokenStructure {
  const header = isBase64url(first) ? readJsonSegment(first) : undefined
  if (header === undefined) return bare(unreadable('header'))
  const ignored = ['jku', 'x5u', 'jwk'].filter((name) => Object.hasOwn(header, name))
  const payload = isBase64url(second) ? readJsonSegment(second) : undefined
  if (payload === undefined) return { finding: unreadable('payload'), header, ignored }
  const alg = ownMember(header, 'alg')
  const kid = ownMember(header, 'kid')
  const finding =
    headerFault(header) ??
    (isBase64url(signature) ? undefined : unreadable('signature')) ??
    kindOf(header, payload, kind, audience)
  return {
    finding,
    header,
    payload,
    ignored,
    alg: isSignatureAlgorithm(alg) ? alg : undefined,
    kid: typeof kid === 'string' ? kid : undefined,
    signingInput: `${first}.${second}`,
    signature,
  }
}

function bare(finding: StepFinding): TokenStructure {
  return { finding, ignored: [] }
}

function unreadable(segment: string): StepFinding {
  const form = segment === 'signature' ? 'base64url' : 'a JSON object in base64url'
  return failed(`The ${segment} cannot be read: it is not ${form}. Copy the whole token, without quotes.`, {
    expected: form,
  })
}

function headerFault(header: JsonObject): StepFinding | undefined {
  const alg = ownMember(header, 'alg')
  if (alg === 'none') {
    return failed('The token is not signed (`alg` is none): anybody can write one.', { received: 'none' })
  }
  if (typeof alg === 'string' && /^HS\d+$/.test(alg)) {
    const sentence =
      'The token is signed with a shared secret: whoever can check it can also write it. Let the server sign with RS256, PS256, ES256 or EdDSA.'
    return failed(sentence, { received: alg })
  }
  if (!isSignatureAlgorithm(alg)) {
    const received = typeof alg === 'string' ? shownText(alg) : `(${typeof alg})`
    return failed('The `alg` of the token is not one that can be checked here.', {
      expected: 'RS, PS or ES with 256, 384 or 512, EdDSA, Ed25519',
      received,
    })
  }
  const extension = ['crit', 'b64'].find((name) => Object.hasOwn(header, name))
  if (extension !== undefined) {
    return failed(`The token demands an extension (\`${extension}\`), which has to be refused.`, {
      received: extension,
    })
  }
  return isTextOrAbsent(header, 'kid') ?? isTextOrAbsent(header, 'typ')
}

function isTextOrAbsent(header: JsonObject, name: string): StepFinding | undefined {
  const value = ownMember(header, name)
  if (value === undefined || typeof value === 'string') return undefined
  return failed(`The \`${name}\` of the header is not a string.`, { received: `(${typeof value})` })
}

/** Whether the token shows itself to be of `kind`. What only its claims can tell is left to the step for claims. */
function kindOf(header: JsonObject, payload: JsonObject, kind: TokenKind, audience: string | undefined): StepFinding {
  const typ = comparableTyp(header)
  const signs = [
    ...(isGenericType(typ) ? [] : [`typ ${shownText(typ as string)}`]),
    ...signsOfKind(payload).map(shownText),
  ]
  return kind === 'access_token' ? accessTokenKind(typ, payload, signs, audience) : idTokenKind(typ, payload, signs)
}

function comparableTyp(header: JsonObject): string | null {
  const typ = ownMember(header, 'typ')
  return typeof typ === 'string' ? comparableType(typ) : null
}

function accessTokenKind(
  typ: string | null,
  payload: JsonObject,
  signs: readonly string[],
  audience: string | undefined,
): StepFinding {
  const foreignTyp = typ !== null && foreignTokenTypes.has(typ)
  if (namesForeignKind(payload) || foreignTyp || (isGenericType(typ) && carriesForeignClaim(payload))) {
    return failed(foreignSentence(typ, payload, audience), { expected: 'an access token', received: signs })
  }
  if (typ === 'at+jwt') return { outcome: 'passed', sentence: 'A JWT access token by RFC 9068.' }
  if (isGenericType(typ) && showsAccessToken(payload)) {
    const sentence =
      'A JWT access token by its claims; its `typ` does not say so: an API takes it with the preset of its provider, or `tokenTypes`.'
    return { outcome: 'passed', sentence, received: typ ?? '(absent)' }
  }
  const sentence =
    'Nothing in the token shows that it is an access token: `typ` is not at+jwt, and there is no `scope`. An API takes it only where `accessTokenEvidence` names what shows it.'
  return failed(sentence, { expected: 'typ at+jwt', received: typ === null ? '(absent)' : shownText(typ) })
}

function foreignSentence(typ: string | null, payload: JsonObject, audience: string | undefined): string {
  const what = looksLikeIdToken(typ, payload)
    ? 'This is an ID token. It tells the client who signed in; an API must not take it. '
    : 'This is another kind of token than an access token, and an API must not take it. '
  return `${what}Send the \`access_token\` of the same token response instead. ${askFor(payload, audience)}`
}

function looksLikeIdToken(typ: string | null, payload: JsonObject): boolean {
  const named = [ownMember(payload, 'typ'), ownMember(payload, 'token_use')].map((name) => String(name).toLowerCase())
  if (typ === 'id_token+jwt' || named.some((name) => /^id(?:[_-]token)?$/.test(name))) return true
  return (
    ['at_hash', 'c_hash', 'nonce'].some((name) => Object.hasOwn(payload, name)) && !Object.hasOwn(payload, 'events')
  )
}

function idTokenKind(typ: string | null, payload: JsonObject, signs: readonly string[]): StepFinding {
  const isAccessToken = typ === 'at+jwt' || (showsAccessToken(payload) && !looksLikeIdToken(typ, payload))
  if (isAccessToken) {
    const sentence =
      'This is an access token, not an ID token. Check it with `--access-token` (kind access_token), or pass the `id_token` of the token response.'
    return failed(sentence, { expected: 'an ID token', received: signs })
  }
  if (namesForeignKind(payload) && !looksLikeIdToken(typ, payload)) {
    return failed('This is another kind of token than an ID token.', { expected: 'an ID token', received: signs })
  }
  return { outcome: 'passed', sentence: 'A signed JWT that can be an ID token.' }
}
