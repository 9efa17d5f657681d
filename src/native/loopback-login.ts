/** Login in the user's own browser, answered to a listener on this machine (RFC 8252 §7.3). */
import { type LoginDeniedError, LoginError } from '../client/login-errors.js'
import { ConfigurationError, isPortcullisError } from '../errors/index.js'
import { anything, checkOptions, choice, func, integer, type Rules, takes } from '../kit/options.js'
import type { LoginResult } from '../login/login-result.js'
import type { SignInProvider } from '../login/resource/sign-in.js'
import { type LoopbackHost, type LoopbackServer, openLoopback, type Page } from './loopback-server.js'
import {
  type NativeLogin,
  type NativeLoginOptions,
  nativeLoginRules,
  runNativeLogin,
  waitForUser,
} from './native-login.js'
import { type BrowserSurroundings, canOpenBrowser, openBrowser } from './open-browser.js'

/** Options of {@link loopbackLogin}. @group Native login */
export interface LoopbackLoginOptions extends NativeLoginOptions {
  /** The host of the redirect URI. Default `127.0.0.1`; `localhost` for servers that know only that name. */
  readonly host?: LoopbackHost | undefined
  /** Default 0: any free port, which RFC 8252 §7.3 has servers accept. */
  readonly port?: number | undefined
  /** The first and the last port to try, instead of `port`; at most 100. */
  readonly portRange?: readonly [number, number] | undefined
  /** The path of the redirect URI. Default `/callback`. */
  readonly path?: string | undefined
  /** How long to wait for the user, up to 600,000. Default 120,000. */
  readonly timeoutMs?: number | undefined
  /**
   * `auto` (default) opens the browser where {@link canOpenBrowser} says so; false opens none; a function opens it itself. It
   * gets an address of the listener that leads to the provider once: what other users see in the process list is no secret.
   */
  readonly openBrowser?: 'auto' | false | ((url: string) => unknown) | undefined
  /** What says where a browser is: usually `{ env: process.env }`. */
  readonly browser?: BrowserSurroundings | undefined
  /** Told the URL to sign in at, whether a browser opened or not: show it to the user, and to no log: it holds `state`. */
  readonly onUrl?: ((url: string) => void) | undefined
  /** HTML instead of the built-in pages. Shown as it is, with styles and nothing else. */
  readonly pages?: { readonly success?: string | undefined; readonly failure?: string | undefined } | undefined
}

const isPath = (value: unknown): boolean =>
  typeof value === 'string' && /^\/[\w./~-]*$/.test(value) && value !== '/done'
const isRange = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(isPort) && value[0] <= value[1] && value[1] - value[0] < 100
const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535

/** The rules of {@link LoopbackLoginOptions}. */
export const loopbackRules: Rules<LoopbackLoginOptions> = {
  ...nativeLoginRules,
  host: choice('127.0.0.1', '::1', 'localhost'),
  port: integer(0, 65_535),
  portRange: takes(isRange, 'the first and the last of at most 100 ports'),
  path: takes(isPath, "a path such as '/callback'"),
  timeoutMs: integer(1, 600_000),
  openBrowser: takes(
    (value) => value === 'auto' || value === false || typeof value === 'function',
    "'auto', false or a function",
  ),
  browser: anything,
  onUrl: func,
  pages: anything,
}

/** How long a browser that has its answer may take to fetch the page. */
const pageGraceMs = 2000

/**
 * Signs the user in through the browser of this machine. Waits for the one answer with the `state` of this login; whatever
 * else asks the listener gets an error, and the wait goes on, until 20 answers with another state have come. The page says
 * how it went only once the code is redeemed. Does NOT refresh tokens: give `key` and `store` to `createUserTokens`.
 *
 * @throws {@link LoginTimeoutError}, {@link LoginCancelledError}, {@link LoopbackError}, {@link LoginError}
 * `ERR_LOGIN_STATE`, what the provider's `authorizationRequest` and `redeem` reject with, or {@link ConfigurationError}.
 * @group Native login
 */
export async function loopbackLogin(
  provider: SignInProvider,
  options: LoopbackLoginOptions = {},
): Promise<NativeLogin> {
  checkOptions('loopbackLogin', options, loopbackRules)
  const { host = '127.0.0.1', path = '/callback', signal } = options
  return runNativeLogin(provider, options, async (tell) => {
    const server = await waitForUser(() => openLoopback({ host, path, ports: portsOf(options) }), signal)
    try {
      return await signIn(provider, server, options, tell)
    } finally {
      await server.close()
    }
  })
}

/** The ports to try. */
export function portsOf({ port, portRange }: LoopbackLoginOptions): readonly number[] {
  if (portRange === undefined) return [port ?? 0]
  if (port !== undefined) throw new ConfigurationError('`port` and `portRange` exclude each other.')
  const [first, last] = portRange
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** The answer to the login, and how to show the browser what became of it. */
interface Answer {
  readonly query: URLSearchParams
  readonly show: (page: Page) => void
}

async function signIn(
  provider: SignInProvider,
  server: LoopbackServer,
  options: LoopbackLoginOptions,
  tell: (state: 'in_progress' | 'redeeming') => void,
): Promise<LoginResult> {
  const { scopes, signal, timeoutMs = 120_000, pages = {} } = options
  const { redirectUri } = server
  const { url, transaction } = await waitForUser(() => provider.authorizationRequest({ redirectUri, scopes }), signal)
  const answered = new Promise<Answer>((resolve, reject) => {
    const startUrl = server.serve({
      state: transaction.state,
      authorizationUrl: url,
      answered: (query) => new Promise((show) => resolve({ query, show })),
      guessed: () => reject(new LoginError('ERR_LOGIN_STATE', { operation: 'login' })),
    })
    tell('in_progress')
    options.onUrl?.(url)
    void show(startUrl, options)
  })
  const answer = await waitForUser(() => answered, signal, timeoutMs)
  tell('redeeming')
  try {
    const result = await provider.redeem(answer.query, transaction)
    answer.show({ status: 200, html: pages.success ?? pageOf('You are signed in', 'You can close this window.') })
    return result
  } catch (error) {
    answer.show({ status: 400, html: pages.failure ?? failurePage(error) })
    throw error
  } finally {
    await server.finish(pageGraceMs)
  }
}

/** A browser that does not open is no failure: the user has the URL. */
async function show(startUrl: string, { openBrowser: how = 'auto', browser }: LoopbackLoginOptions): Promise<void> {
  try {
    if (typeof how === 'function') await how(startUrl)
    else if (how === 'auto' && canOpenBrowser(browser)) await openBrowser(startUrl, browser)
  } catch {}
}

/** Fixed texts and a code: nothing that the server or the URL said is on the page. */
function failurePage(error: unknown): string {
  const code = isPortcullisError(error) ? error.code : 'ERR_UNEXPECTED'
  const isDenial = (error as LoginDeniedError).code === 'ERR_LOGIN_DENIED'
  return pageOf(
    isDenial ? 'The login was refused' : 'The login failed',
    `${code}. The program that started it says more.`,
  )
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:20vh auto;padding:0 1em;color:#222;background:#fff}' +
  '@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}}'

function pageOf(title: string, words: string): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>`
  return `<!doctype html><html lang="en">${head}<style>${style}</style><h1>${title}</h1><p>${words}</p></html>`
}
