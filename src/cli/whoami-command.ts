/** `portcullis whoami`: what the ID token of the login says, else what userinfo says. */
import { readCompactJws } from '../jws/compact-jws.js'
import type { JsonObject } from '../kit/json.js'
import { type CommandCall, type ExitCode, table } from './command-io.js'
import { type AccountTokens, openSession, requireKept, type Session, withUserTokens } from './session.js'

/** The work of `portcullis whoami`. */
export async function whoamiCommand(call: CommandCall): Promise<ExitCode> {
  const { output, flags } = call
  const session = await openSession(call)
  const kept = await requireKept(call, session)
  const claims = claimsOf(kept) ?? (await askUserInfo(call, session, kept))
  if (flags['json'] === true) output.json({ provider: session.name, account: kept.account, claims })
  else output.data(table(Object.entries(flags['raw'] === true ? claims : withoutProtocol(claims))))
  return 0
}

/** The ID token was verified at the login, and is kept where only this user can change it. */
function claimsOf({ tokens }: AccountTokens): JsonObject | undefined {
  return tokens.idToken === undefined ? undefined : readCompactJws(tokens.idToken)?.payload
}

async function askUserInfo(call: CommandCall, session: Session, { key, account }: AccountTokens): Promise<JsonObject> {
  return withUserTokens(call, session, key, async (tokens, provider) => {
    const { accessToken } = await tokens.getToken()
    return call.output.during('asking the provider', provider.userInfo(accessToken, account?.subject))
  })
}

const protocolClaims: ReadonlySet<string> = new Set([
  ...[
    'aud',
    'azp',
    'exp',
    'iat',
    'nbf',
    'jti',
    'nonce',
    'at_hash',
    'c_hash',
    's_hash',
    'sid',
    'session_state',
    'auth_time',
    'typ',
  ],
])

/** What is of use to a person; `--raw` shows all. */
function withoutProtocol(claims: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !protocolClaims.has(name)))
}
