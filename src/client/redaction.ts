import { ownMember, parseJsonObject } from '../kit/json.js'

const maxLength = 256
const jwt = /eyJ[\w-]{5,}(\.[\w-]*){0,4}/g
const longRun = /[A-Za-z0-9_~+/=-]{40,}/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
const control = /[\u0000-\u001f\u007f-\u009f]+/g

/** Form fields whose values are no secrets. Every other value of a request is masked wherever it is echoed. */
export const publicFields: ReadonlySet<string> = new Set([
  'actor_token_type',
  'audience',
  'client_assertion_type',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'grant_type',
  'redirect_uri',
  'requested_token_type',
  'resource',
  'response_type',
  'scope',
  'subject_token_type',
  'token_type_hint',
])

/** Masks secrets in text that comes from elsewhere, and cuts it to 256 characters. */
export type Redact = (text: string) => string

/** Header fields whose values are no secrets: every other one may be a credential, such as the key of a gateway. */
export const publicHeaders: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent'])

/** The values a request must not find again in any error: credentials, tokens, proofs. */
export function secretsOf(headers: Readonly<Record<string, string>>, body: string): readonly string[] {
  const fromHeaders = Object.entries(headers).flatMap(([name, value]) => headerSecrets(name.toLowerCase(), value))
  return [...fromHeaders, ...bodySecrets(body)].filter((value) => value.length >= 4)
}

function headerSecrets(name: string, value: string): readonly string[] {
  if (publicHeaders.has(name)) return []
  if (name !== 'authorization') return [value]
  const [scheme = '', credentials = ''] = value.split(' ')
  return scheme.toLowerCase() === 'basic' ? [credentials, ...basicSecrets(credentials)] : [credentials]
}

function basicSecrets(credentials: string): readonly string[] {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials) || credentials.length % 4 !== 0) return []
  const [, ...password] = atob(credentials).split(':')
  const encoded = password.join(':')
  return [encoded, ...new URLSearchParams(`secret=${encoded}`).values()]
}

/** Form fields that are not public; of the JSON of a registration, the software statement. */
function bodySecrets(body: string): readonly string[] {
  const json = parseJsonObject(body)
  if (json === undefined) {
    return [...new URLSearchParams(body)].filter(([name]) => !publicFields.has(name)).map(([, value]) => value)
  }
  const statement = ownMember(json, 'software_statement')
  return typeof statement === 'string' ? [statement] : []
}

/**
 * Builds the {@link Redact} of one request. Masks `secrets` however they are spelled: as they are, percent-encoded,
 * form-encoded, escaped for JSON or HTML, in any mix of these and any number of times over; and in base64 or base64url,
 * also as part of something longer. Masks besides whatever looks like a JWT or a long key.
 */
export function createRedact(secrets: readonly string[]): Redact {
  let spellings: RegExp | undefined
  return (text) => {
    spellings ??= spellingsOf(secrets)
    const masked = text.replace(spellings, '[redacted]').replace(jwt, '[redacted]').replace(longRun, '[redacted]')
    return masked.replace(control, ' ').slice(0, maxLength)
  }
}

/** Long secrets are looked for piece by piece: a pattern has a limit, and an echo may be cut off. */
const pieceLength = 1024

/** Longest first, so that no short secret takes a bite out of a long one. Matches nothing where there is no secret. */
function spellingsOf(secrets: readonly string[]): RegExp {
  const longestFirst = [...new Set(secrets)].sort((left, right) => right.length - left.length)
  const patterns = longestFirst.flatMap((secret) => [...piecesOf(secret).map(textPattern), ...base64Patterns(secret)])
  return new RegExp(patterns.length === 0 ? '(?!)' : patterns.join('|'), 'g')
}

function piecesOf(text: string): readonly string[] {
  return Array.from(text.matchAll(new RegExp(`[^]{1,${pieceLength}}`, 'gu')), ([piece]) => piece)
}

const namedEscapes: Readonly<Record<string, string>> = {
  ' ': '\\+',
  '\b': '\\\\+b',
  '\t': '\\\\+t',
  '\n': '\\\\+n',
  '\f': '\\\\+f',
  '\r': '\\\\+r',
  '"': '\\\\+"|&quot;',
  '/': '\\\\+/',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
}

/**
 * `text`, with every spelling of each character: letters and digits are the same in all of them. A run of backslashes is
 * one pattern, so that there is one way to match it.
 */
function textPattern(text: string): string {
  return text.replace(/\\+|./gsu, anySpelling)
}

function anySpelling(piece: string): string {
  if (/[A-Za-z0-9]/.test(piece)) return piece
  if (piece.startsWith('\\'))
    return `(?:(?:%(?:25)*5[cC]|&#92;|\\\\+u005[cC]){${piece.length}}|\\\\{${piece.length},${piece.length * 8}})`
  const utf16 = Array.from({ length: piece.length }, (_, index) => piece.charCodeAt(index))
  const escaped = utf16.map((unit) => `\\\\+u${anyCase(unit.toString(16).padStart(4, '0'))}`).join('')
  const percent = [...utf8.encode(piece)].map(percentPattern).join('')
  const code = piece.codePointAt(0) as number
  const html = `&#(?:0*${code}|[xX]0*${anyCase(code.toString(16))});`
  const named = namedEscapes[piece]
  // The character itself comes last: `%` must not be found in `%25`.
  return `(?:${[...(named === undefined ? [] : [named]), escaped, percent, html, literalPattern(piece)].join('|')})`
}

function literalPattern(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** One byte, percent-encoded once or more. */
function percentPattern(byte: number): string {
  return `%(?:25)*${anyCase(byte.toString(16).padStart(2, '0'))}`
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}

const utf8 = new TextEncoder()

/**
 * A secret in base64: a text that begins 0, 1 or 2 bytes into a group of three comes out in three ways. The characters it
 * shares with its neighbours are taken along.
 */
function base64Patterns(secret: string): readonly string[] {
  return piecesOf(secret).flatMap((piece) =>
    [0, 1, 2].flatMap((offset) => {
      const bytes = [...new Uint8Array(offset), ...utf8.encode(piece)]
      const whole = btoa(String.fromCharCode(...bytes))
      const own = whole.slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
      return own.length < 4 ? [] : [`[\\w+/-]?${base64Pattern(own)}(?:[\\w+/-]?(?:=|%(?:25)*3[dD]){0,2})`]
    }),
  )
}

function base64Pattern(text: string): string {
  const plus = `(?:[+-]|${percentPattern(0x2b)})`
  const slash = `(?:\\\\*\\/|_|${percentPattern(0x2f)})`
  return [...text].map((character) => (character === '+' ? plus : character === '/' ? slash : character)).join('')
}

/** An error that tells what happened at the bottom of `error`, without anything it may have carried along. */
export function redactedCause(error: unknown, redact: Redact): Error {
  const deepest = deepestCause(error)
  if (!(deepest instanceof Error)) return new Error('A value that is no error was thrown')
  const cause = new Error(redact(`${deepest.name}: ${deepest.message}`))
  cause.stack = ''
  const { code } = deepest as { code?: unknown }
  return typeof code === 'string' ? Object.assign(cause, { code: redact(code) }) : cause
}

function deepestCause(error: unknown): unknown {
  let deepest = error
  for (let depth = 0; depth < 8 && deepest instanceof Error && deepest.cause instanceof Error; depth += 1) {
    deepest = deepest.cause
  }
  return deepest
}
