/** Login with a code that the user types in on another device (RFC 8628). */
import { checkOptions, func, type Rules, required } from '../kit/options.js'
import type { DeviceLogin } from '../login/provider.js'
import type { SignInProvider } from '../login/resource/sign-in.js'
import {
  type NativeLogin,
  type NativeLoginOptions,
  nativeLoginRules,
  runNativeLogin,
  waitForUser,
} from './native-login.js'

/** What the user has to be shown. @group Native login */
export type DeviceCode = Pick<DeviceLogin, 'userCode' | 'verificationUri' | 'verificationUriComplete' | 'expiresAt'>

/** Options of {@link deviceLogin}. @group Native login */
export interface DeviceLoginOptions extends NativeLoginOptions {
  /** Shows the code and the page. Do not open the page by yourself: the user has to know what they agree to. */
  readonly onCode: (code: DeviceCode) => unknown
}

const rules: Rules<DeviceLoginOptions> = { ...nativeLoginRules, onCode: required(func) }

/**
 * Signs the user in on another device. Waits until the user agreed or refused, or the code expires by our own clock; slows
 * down when told, and goes on over 429, 5xx and broken connections. Whoever gets a user to type in a code of theirs gets the
 * user's tokens: show which program asks.
 *
 * @throws {@link LoginTimeoutError}, {@link LoginDeniedError}, {@link LoginCancelledError}, an {@link OAuthClientError}
 * `ERR_ENDPOINT_MISSING` where the server has no such endpoint, or {@link ConfigurationError}.
 * @group Native login
 */
export async function deviceLogin(provider: SignInProvider, options: DeviceLoginOptions): Promise<NativeLogin> {
  checkOptions('deviceLogin', options, rules)
  const { scopes, signal, onCode } = options
  return runNativeLogin(provider, options, async (tell) => {
    const device = await waitForUser(() => provider.deviceAuthorization({ scopes }), signal)
    const { userCode, verificationUri, verificationUriComplete, expiresAt } = device
    tell('in_progress')
    await onCode(Object.freeze({ userCode, verificationUri, verificationUriComplete, expiresAt }))
    return waitForUser(() => device.poll({ signal }), signal)
  })
}
