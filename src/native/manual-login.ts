/** Login where no answer reaches this machine: the user copies the address that the browser was sent to. */
import { LoginError } from '../client/login-errors.js'
import { checkOptions, flag, func, type Rules, required, text } from '../kit/options.js'
import type { SignInProvider } from '../login/resource/sign-in.js'
import type { LoginTransaction } from '../login/transaction.js'
import {
  type NativeLogin,
  type NativeLoginOptions,
  nativeLoginRules,
  runNativeLogin,
  waitForUser,
} from './native-login.js'

/** Options of {@link manualLogin}. @group Native login */
export interface ManualLoginOptions extends NativeLoginOptions {
  /** One that the client is registered with. Nothing needs to answer there: the user copies the address. */
  readonly redirectUri: string
  /** Shows the URL and resolves to what the user pasted: the whole address, with `code` and `state`. */
  readonly prompt: (url: string) => Promise<string>
  /**
   * Whether a code alone is taken. Default false: then nothing shows that it belongs to this login, and somebody who gets a
   * user to paste a code of theirs signs the user in as themselves.
   */
  readonly acceptBareCode?: boolean | undefined
}

const rules: Rules<ManualLoginOptions> = {
  ...nativeLoginRules,
  redirectUri: required(text),
  prompt: required(func),
  acceptBareCode: flag,
}

/** What is pasted is an address, no document. */
const maxPastedLength = 8192

/**
 * Signs the user in without a listener: over SSH, in a container, or with a redirect URI elsewhere. `state` has to be in
 * what is pasted. Does NOT limit the time: the transaction of the provider ends after ten minutes.
 *
 * @throws {@link LoginError} `ERR_LOGIN_RESPONSE` for what is no such address, {@link LoginCancelledError}, what the
 * provider's `authorizationRequest` and `redeem` and your `prompt` reject with, or {@link ConfigurationError}.
 * @group Native login
 */
export async function manualLogin(provider: SignInProvider, options: ManualLoginOptions): Promise<NativeLogin> {
  checkOptions('manualLogin', options, rules)
  const { redirectUri, scopes, signal, prompt, acceptBareCode = false } = options
  return runNativeLogin(provider, options, async (tell) => {
    const { url, transaction } = await waitForUser(() => provider.authorizationRequest({ redirectUri, scopes }), signal)
    tell('in_progress')
    const pasted = await waitForUser(() => prompt(url), signal)
    const answer = readPasted(pasted, transaction, acceptBareCode)
    tell('redeeming')
    return provider.redeem(answer, transaction)
  })
}

function readPasted(pasted: string, { state }: LoginTransaction, acceptBareCode: boolean): URLSearchParams {
  const text = pasted.trim()
  if (text.length <= maxPastedLength) {
    if (URL.canParse(text)) return new URL(text).searchParams
    if (/^\??(?:[^=\s]+=[^\s]*)$/.test(text)) return new URLSearchParams(text)
    if (acceptBareCode && /^[\x21-\x7e]+$/.test(text)) return new URLSearchParams({ code: text, state })
  }
  const message =
    'What was pasted is not the address that the browser was sent to: copy all of it, with `code` and `state`.'
  throw new LoginError('ERR_LOGIN_RESPONSE', { operation: 'login', message })
}
