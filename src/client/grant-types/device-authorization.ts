/*
 * Logins on devices without a browser (RFC 8628): the code for the user, and the asking for tokens until the user has
 * agreed. Shows nothing to anybody.
 */
import { customFetch, genericGrantRequest, initiateDeviceAuthorization } from 'openid-client'
import { readSecureUrl } from '../../kit/fetch/secure-url.js'
import { hideSecrets } from '../../kit/hidden.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { pause } from '../../kit/time-limit.js'
import { beginCall, callEndpoint, checkParams, type Runtime } from '../calls/call-endpoint.js'
import { type Call, contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { type OAuthClientError, type OAuthResponseError, ResponseError } from '../errors.js'
import { LoginDeniedError, LoginTimeoutError } from '../login-errors.js'
import type { TokenSet } from '../token-set.js'
import { GrantTypes } from '../token-types.js'
import { haveKeys, type IdentifiedTokens, identify } from './identify.js'
import {
  listOf,
  requestToken,
  scopeList,
  type TokenTarget,
  targetParameters,
  targetRules,
  withoutMember,
} from './token-request.js'

/** What {@link OAuthClient.deviceAuthorization} takes. @group Authorization requests */
export type DeviceAuthorizationParams = TokenTarget

/** A login that waits for the user on another device. Frozen. @group Authorization requests */
export interface DeviceAuthorization {
  /** What the user types in at `verificationUri`. Show it; never open a page by yourself. */
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it, for a QR code; `undefined` where the server has none. */
  readonly verificationUriComplete: string | undefined
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  /** How long to wait between two questions. */
  readonly intervalSeconds: number
  /** Hidden. */
  readonly deviceCode: string
  /**
   * Asks for the tokens until the user has agreed or refused, or the time is over. Call it once. Keeps the process alive.
   *
   * @throws {@link LoginTimeoutError} when the code expires, {@link LoginDeniedError} when the user says no.
   */
  poll(options?: { readonly signal?: AbortSignal | undefined }): Promise<IdentifiedTokens>
}

/** See {@link OAuthClient.deviceAuthorization}. */
export async function deviceAuthorization(
  runtime: Runtime,
  params: DeviceAuthorizationParams,
  options: CallOptions | undefined,
): Promise<DeviceAuthorization> {
  const call = beginCall(runtime, 'deviceAuthorization', options)
  checkParams(call, params, targetRules)
  const form = targetParameters(call, params)
  const scope = scopeList(params.scope)
  const request = { endpoint: 'deviceAuthorization', retry: 'refused', expectsJson: true } as const
  const { monotonicClock } = runtime.settings
  if (scope.includes('openid')) await withinCall(runtime, call, () => haveKeys(runtime))
  return callEndpoint(runtime, request, call, async (config, attempt) => {
    // Some servers say 0, which `openid-client` refuses.
    config[customFetch] = withoutMember(attempt, 'interval')
    const { device_code: deviceCode, expires_in: lifetime } = await initiateDeviceAuthorization(config, form)
    const answer = attempt.answer?.json as JsonObject
    const shown = {
      ...readAnswer(answer, call, runtime),
      expiresAt: Math.floor(runtime.settings.clock() / 1000 + lifetime),
    }
    const login = {
      deviceCode,
      scope,
      resource: listOf(params.resource),
      deadlineMs: monotonicClock() + lifetime * 1000,
    }
    const poll: DeviceAuthorization['poll'] = ({ signal } = {}) =>
      pollUntilAgreed(runtime, { ...call, signal }, login, shown.intervalSeconds)
    return hideSecrets({ ...shown, poll }, { deviceCode })
  })
}

const printable = /^[\x20-\x7e]{1,128}$/

/** What is shown to the user: printable, so that it can go to a terminal, and web addresses only. */
function readAnswer(answer: JsonObject, call: Call, { settings }: Runtime) {
  const userCode = ownMember(answer, 'user_code')
  const interval = Number(ownMember(answer, 'interval'))
  const pageOf = (value: unknown): string => {
    const url = readSecureUrl(String(value), settings.insecureHosts)
    if (url === undefined) throw new ResponseError('ERR_RESPONSE_MALFORMED', contextOf(call))
    return url.href
  }
  if (typeof userCode !== 'string' || !printable.test(userCode)) {
    throw new ResponseError('ERR_RESPONSE_MALFORMED', contextOf(call))
  }
  const complete = ownMember(answer, 'verification_uri_complete')
  return {
    userCode,
    verificationUri: pageOf(ownMember(answer, 'verification_uri')),
    verificationUriComplete: complete === undefined ? undefined : pageOf(complete),
    intervalSeconds: interval > 0 ? interval : 5,
  }
}

/** What a login on another device is asked about with. */
interface PendingLogin {
  readonly deviceCode: string
  readonly scope: readonly string[]
  readonly resource: readonly string[]
  /** By the monotonic clock: whatever the server says, nothing is asked after it. */
  readonly deadlineMs: number
}

/** No server is asked less often than this, however much trouble there is. */
const maxPauseMs = 60_000

function pollUntilAgreed(
  runtime: Runtime,
  call: Call,
  login: PendingLogin,
  intervalSeconds: number,
): Promise<IdentifiedTokens> {
  const { monotonicClock } = runtime.settings
  // The last question may still be under way when the time of the code is up.
  const deadlineMs = login.deadlineMs + call.timeoutMs
  return withinCall(runtime, { ...call, deadlineMs }, async (signal) => {
    let pace: Pace = { intervalMs: intervalSeconds * 1000, pauseMs: intervalSeconds * 1000 }
    for (;;) {
      if (monotonicClock() + pace.pauseMs >= login.deadlineMs) {
        throw new LoginTimeoutError('ERR_LOGIN_TIMEOUT', contextOf(call))
      }
      await pause(pace.pauseMs, signal)
      const answer = await ask(runtime, { ...call, deadlineMs, signal }, login)
      if (typeof answer === 'object') return answer
      pace = nextPace(answer, pace)
    }
  })
}

/** How long to wait as a rule, and now. */
interface Pace {
  readonly intervalMs: number
  readonly pauseMs: number
}

/** RFC 8628 §3.5: `slow_down` makes all pauses longer, trouble doubles them until the server answers again. */
function nextPace(answer: StillPending, { intervalMs, pauseMs }: Pace): Pace {
  if (typeof answer === 'number') {
    return { intervalMs, pauseMs: Math.min(Math.max(answer, pauseMs * 2), Math.max(maxPauseMs, intervalMs)) }
  }
  const nextMs = intervalMs + (answer === 'slow_down' ? 5000 : 0)
  return { intervalMs: nextMs, pauseMs: nextMs }
}

/** No tokens yet; for trouble that may pass, the milliseconds the server wants to be left alone for. */
type StillPending = 'slow_down' | 'authorization_pending' | number

async function ask(
  runtime: Runtime,
  call: Call,
  { deviceCode, scope, resource }: PendingLogin,
): Promise<IdentifiedTokens | StillPending> {
  const form = targetParameters(call, { resource: resource.length === 1 ? resource : [] })
  form.set('device_code', deviceCode)
  const request = {
    retry: 'never',
    requestedScope: scope,
    send: (config, dpop) => genericGrantRequest(config, GrantTypes.deviceCode, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  let tokens: TokenSet
  try {
    tokens = await requestToken(runtime, request, call)
  } catch (error) {
    return judge(error as OAuthClientError, call)
  }
  return scope.includes('openid') ? identify(runtime, call, tokens, {}) : Object.freeze({ tokens, claims: undefined })
}

function judge(failure: OAuthClientError, call: Call): StillPending {
  if (failure.retryable) return failure.retryAfterMs ?? 0
  const { error, errorDescription } = failure as OAuthResponseError
  if (error === 'authorization_pending' || error === 'slow_down') return error
  if (error === 'expired_token') throw new LoginTimeoutError('ERR_LOGIN_TIMEOUT', contextOf(call))
  if (error === 'access_denied') {
    throw new LoginDeniedError('ERR_LOGIN_DENIED', { ...contextOf(call), error, errorDescription })
  }
  throw failure
}
