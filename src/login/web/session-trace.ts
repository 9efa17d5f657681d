/*
 * What is left of a session where only its end matters: which it is, whose, and until when. Short enough for the cookie of
 * a login under way.
 */
import { parseJsonObject } from '../../kit/json.js'
import type { SessionRecord } from './login-session.js'

/** Enough of a {@link SessionRecord} to end it, with its tokens. */
export type SessionTrace = Pick<
  SessionRecord,
  'account' | 'provider' | 'sid' | 'issuedAt' | 'absoluteUntil' | 'tokensKey'
>

export function writeTrace(record: SessionRecord): string {
  const { account, provider, sid, issuedAt, absoluteUntil, tokensKey } = record
  return JSON.stringify({ account, provider, sid, issuedAt, absoluteUntil, tokensKey })
}

/** What {@link writeTrace} wrote; `undefined` for a text that is no JSON object. */
export function parseTrace(text: string): SessionTrace | undefined {
  return parseJsonObject(text) as SessionTrace | undefined
}

/** Whether all of the session is known. */
export function isWhole(record: SessionTrace | SessionRecord): record is SessionRecord {
  return 'data' in record
}
