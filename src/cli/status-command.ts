/** `portcullis status`: whether somebody is signed in, and for how long. Asks the store, never the server. */
import { type CommandCall, CommandFailure, type ExitCode, plain, table } from './command-io.js'
import { keptTokens, openSession, placeOf } from './session.js'

/** The work of `portcullis status`. */
export async function statusCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const soonSeconds = seconds(flags, 'soon', { min: 60, max: 3600, fallback: 120 })
  const refreshSoonSeconds = seconds(flags, 'refresh-soon', { min: 60, max: 172_800, fallback: 600 })
  const session = await openSession(call)
  const kept = await keptTokens(call, session)
  const nowSeconds = io.clock() / 1000
  const { expiresAt, refreshExpiresAt, refreshToken, scope } = kept?.tokens ?? {}
  const access = stateOf(kept !== undefined, expiresAt, nowSeconds, soonSeconds)
  const refresh = stateOf(refreshToken !== undefined, refreshExpiresAt, nowSeconds, refreshSoonSeconds)
  const isUsable = isGood(access) || isGood(refresh)
  const account = kept?.account
  const store = session.store.describe()
  if (flags['json'] === true) {
    output.json({
      provider: session.name,
      isUsable,
      account,
      scope,
      access,
      expiresAt,
      refresh,
      refreshExpiresAt,
      store,
    })
  } else {
    const time = timeText(nowSeconds, flags['utc'] === true)
    output.data(
      `${session.name}: ${isUsable ? output.style('green', 'signed in') : output.style('red', 'not signed in')}`,
    )
    output.data(
      table([
        ['subject', account?.subject],
        ['issuer', account?.issuer],
        ['access token', `${access}${time(expiresAt)}`],
        ['refresh token', `${refresh}${time(refreshExpiresAt)}`],
        ['scope', scope?.join(' ')],
        ['kept in', placeOf(session.store)],
      ]),
    )
  }
  return isUsable ? 0 : 1
}

type TokenState = 'absent' | 'expired' | 'expiring soon' | 'good'

function stateOf(isThere: boolean, expiresAt: number | undefined, nowSeconds: number, soonSeconds: number): TokenState {
  if (!isThere) return 'absent'
  const left = (expiresAt ?? Number.POSITIVE_INFINITY) - nowSeconds
  if (left <= 0) return 'expired'
  return left < soonSeconds ? 'expiring soon' : 'good'
}

function isGood(state: TokenState): boolean {
  return state === 'good' || state === 'expiring soon'
}

function timeText(nowSeconds: number, isUtc: boolean): (at: number | undefined) => string {
  return (at) => {
    if (at === undefined) return ''
    const date = new Date(at * 1000)
    const text = isUtc ? date.toISOString() : date.toLocaleString()
    const left = Math.round(at - nowSeconds)
    return `, ${plain(text)}${left > 0 ? `, in ${left} s` : ''}`
  }
}

function seconds(
  flags: CommandCall['flags'],
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const value = flags[name]
  if (value === undefined) return fallback
  const given = Number(value)
  if (Number.isInteger(given) && given >= min && given <= max) return given
  throw new CommandFailure(`--${name} takes a whole number of seconds from ${min} to ${max}`)
}
