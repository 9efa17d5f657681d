/** The token that `portcullis check` takes where none is given: that of the login. */
import { type CommandCall, CommandFailure } from './command-io.js'
import { openSession, requireKept } from './session.js'

/** A token that is kept, and what it is held against. */
export interface StoredToken {
  readonly token: string
  readonly kind: 'id_token' | 'access_token'
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

/** The ID token of the default provider's user; with `--access-token` the access token. */
export async function readStoredToken(call: CommandCall): Promise<StoredToken> {
  const session = await openSession({ ...call, operand: undefined })
  const { tokens } = await requireKept(call, session)
  const { issuer, clientId } = session.config.provider(session.name) ?? {}
  if (call.flags['access-token'] === true) {
    return { token: tokens.accessToken, kind: 'access_token', issuer, audience: undefined }
  }
  if (tokens.idToken === undefined)
    throw new CommandFailure('the login brought no ID token: --access-token checks the other', 1)
  return { token: tokens.idToken, kind: 'id_token', issuer, audience: clientId }
}
