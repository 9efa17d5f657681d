/** The one call that takes the way to sign in that fits the machine. */
import { ConfigurationError, isPortcullisError } from '../errors/index.js'
import { checkOptions, choice, flag, func, type Rules, text } from '../kit/options.js'
import type { SignInProvider } from '../login/resource/sign-in.js'
import { type DeviceLoginOptions, deviceLogin } from './device-login.js'
import { type LoopbackLoginOptions, loopbackLogin, loopbackRules } from './loopback-login.js'
import { type ManualLoginOptions, manualLogin } from './manual-login.js'
import type { NativeLogin } from './native-login.js'
import { canOpenBrowser } from './open-browser.js'

/** Options of {@link login}: those of all ways, each used by its own. @group Native login */
export interface LoginOptions extends LoopbackLoginOptions {
  /**
   * `auto` (default): loopback where a browser can be opened, else device where the server has the endpoint and `onCode` is
   * given, else manual where `redirectUri` and `prompt` are given.
   */
  readonly mode?: 'auto' | 'loopback' | 'device' | 'manual' | undefined
  /** Of a login by device: shows the code and the page. */
  readonly onCode?: DeviceLoginOptions['onCode'] | undefined
  /** Of a manual login: a redirect URI that the client is registered with. */
  readonly redirectUri?: ManualLoginOptions['redirectUri'] | undefined
  /** Of a manual login: shows the URL and resolves to what the user pasted. */
  readonly prompt?: ManualLoginOptions['prompt'] | undefined
  /** Of a manual login: whether a code alone is taken. Default false. */
  readonly acceptBareCode?: boolean | undefined
}

/** The rules of {@link LoginOptions}. */
export const loginRules: Rules<LoginOptions> = {
  ...loopbackRules,
  mode: choice('auto', 'loopback', 'device', 'manual'),
  onCode: func,
  redirectUri: text,
  prompt: func,
  acceptBareCode: flag,
}

/**
 * Signs the user in, one way or another: see {@link loopbackLogin}, {@link deviceLogin} and {@link manualLogin}.
 *
 * @throws what they reject with; {@link ConfigurationError} where no way is left.
 * @group Native login
 */
export async function login(provider: SignInProvider, options: LoginOptions = {}): Promise<NativeLogin> {
  checkOptions('login', options, loginRules)
  const { mode = 'auto', onCode, redirectUri, prompt, acceptBareCode, ...loopback } = options
  const { store, scopes, onStateChange, signal, clock } = loopback
  const common = { store, scopes, onStateChange, signal, clock }
  const manual = () => {
    if (redirectUri !== undefined && prompt !== undefined) {
      return manualLogin(provider, { ...common, redirectUri, prompt, acceptBareCode })
    }
    throw new ConfigurationError('A manual login takes `redirectUri` and `prompt`.')
  }
  const device = () => {
    if (onCode !== undefined) return deviceLogin(provider, { ...common, onCode })
    throw new ConfigurationError('A login by device takes `onCode`.')
  }
  const ways = { loopback: () => loopbackLogin(provider, loopback), device, manual }
  if (mode !== 'auto') return ways[mode]()
  return firstThatFits(options, () => loopbackLogin(provider, loopback), device, manual)
}

type Way = () => Promise<NativeLogin>

/** A way that turns out not to be there gives way to the next; a login that was refused or given up does not. */
async function firstThatFits(options: LoginOptions, loopback: Way, device: Way, manual: Way): Promise<NativeLogin> {
  const { openBrowser = 'auto', browser, onCode, prompt } = options
  const opens = openBrowser === 'auto' ? canOpenBrowser(browser) : openBrowser !== false
  const ways = [
    ...(opens ? [loopback] : []),
    ...(onCode === undefined ? [] : [device]),
    ...(prompt === undefined ? [] : [manual]),
  ]
  for (const way of ways.slice(0, -1)) {
    try {
      return await way()
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
  }
  const last = ways.at(-1)
  if (last !== undefined) return last()
  throw new ConfigurationError('No browser can be opened here: give `onCode`, or `redirectUri` and `prompt`.')
}

function isAbsent(error: unknown): boolean {
  return isPortcullisError(error) && ['ERR_LOOPBACK_UNAVAILABLE', 'ERR_ENDPOINT_MISSING'].includes(error.code)
}
