/** What may be told of a token: its header and its claims, masked. Does NOT check anything. */
import { shown, shownText } from '../errors/index.js'
import { readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import { isJsonObject, type JsonObject } from '../kit/json.js'
import type { Member, ReportLines } from './wire.js'

/** Their values say what a token is for, and nothing of the person it is about. */
const toldInFull: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'exp',
  'nbf',
  'iat',
  'typ',
  'alg',
  'kid',
  'scope',
  'scp',
  'client_id',
  'azp',
  'acr',
  'auth_time',
  'cnf',
  'token_use',
])

const maxMembers = 40

/** Header and claims of a JWT, and how long the token is; of any other token its length alone. */
export function maskedToken(token: string | undefined): ReportLines['token'] {
  if (token === undefined) return undefined
  const jws = readCompactJws(token)
  if (jws === undefined) return { header: [], claims: [], length: token.length }
  return {
    header: maskedMembers(readJsonSegment(jws.headerSegment) ?? {}),
    claims: maskedMembers(jws.payload),
    length: token.length,
  }
}

function maskedMembers(members: JsonObject): readonly Member[] {
  const lines = Object.entries(members)
    .slice(0, maxMembers)
    .map(([name, value]): Member => [shownText(name), maskedValue(name, value)])
  const left = Object.keys(members).length - lines.length
  return left > 0 ? [...lines, ['…', `and ${left} more`]] : lines
}

function maskedValue(name: string, value: unknown): string {
  if (name === 'jti' && typeof value === 'string') return `"${shownText(value.slice(0, 6))}…", ${kindOf(value)}`
  if (!toldInFull.has(name)) return kindOf(value)
  if (!isJsonObject(value)) return textOf(value)
  return Object.entries(value)
    .slice(0, maxMembers)
    .map(([member, inner]) => `${shownText(member)}: ${typeof inner === 'string' ? textOf(inner) : kindOf(inner)}`)
    .join(', ')
}

/** The type of a value and its size. */
function kindOf(value: unknown): string {
  if (typeof value === 'string') return `text of ${value.length} characters`
  if (Array.isArray(value)) return `list of ${value.length}`
  if (isJsonObject(value)) return `object of ${Object.keys(value).length}`
  return value === null ? 'null' : typeof value
}

/** A value as text: cut, escaped, without anything that looks like a JWT. */
export function textOf(value: unknown): string {
  const fit = shown(value)
  return typeof fit === 'object' ? fit.map((item) => JSON.stringify(item)).join(', ') : JSON.stringify(fit)
}
