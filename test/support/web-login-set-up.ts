import type { PortcullisEvent } from 'portcullis/client'
import { createLogin, type Login, type LoginOptions, type Provider, type ProviderOptions } from 'portcullis/login'
import type { HttpAnswer } from '../../src/http/http-answer.js'
import type { RequestFacts } from '../../src/http/request-facts.js'
import { tokens } from './fake-token-endpoint.js'
import { idTokenClaims, signIdToken } from './login-set-up.js'
import { type ProviderSetUp, setUpProvider } from './provider-set-up.js'
import { requestFacts } from './request-facts.js'

export const appUrl = 'https://app.example.com'
export const sealKeys = [{ id: 'k1', secret: new Uint8Array(32).fill(7) }]

/** A login at a fake server, and one browser that keeps its cookies. */
export interface WebLoginSetUp extends Pick<ProviderSetUp, 'server' | 'time' | 'provider'> {
  readonly login: Login
  readonly events: PortcullisEvent[]
  readonly cookies: Map<string, string>
  /** Facts of a request of this browser: a page that somebody goes to, unless fields say something else. */
  facts(url: string, further?: Asked): RequestFacts
  /** Sends such a request to the routes. */
  send(url: string, further?: Asked): Promise<HttpAnswer>
  /** Keeps the cookies of an answer, and lets go of those it takes away. */
  receive(answer: Pick<HttpAnswer, 'headers'>): void
  /** Begins a login, and lets the server issue tokens for it. The URL that the user comes back to. */
  begin(path?: string, claims?: object, further?: object): Promise<string>
  /** A whole login. */
  signIn(path?: string, claims?: object, further?: object): Promise<HttpAnswer>
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly remoteAddress?: string
}

export const asPage = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
export const asScript = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' }

export function setUpWebLogin(
  options: Partial<LoginOptions> = {},
  provide: (provider: Provider) => Provider | readonly Provider[] = (one) => one,
  ofProvider: Partial<ProviderOptions> = {},
): WebLoginSetUp {
  const { server, provider, time, events } = setUpProvider(ofProvider)
  const login = createLogin({
    baseUrl: appUrl,
    providers: [provide(provider)].flat(),
    keys: sealKeys,
    onEvent: (event) => void events.push(event),
    clock: () => time.nowMs,
    ...options,
  })
  const cookies = new Map<string, string>()

  const facts: WebLoginSetUp['facts'] = (url, { method = 'GET', headers = asPage, remoteAddress } = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const fields = cookie === '' ? headers : { cookie, ...headers }
    const given = remoteAddress === undefined ? {} : { remoteAddress }
    return requestFacts({ method, url, headers: fields, ...given })
  }

  const receive: WebLoginSetUp['receive'] = (answer) => {
    for (const line of setCookiesOf(answer)) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (line.includes('Max-Age=0')) cookies.delete(pair.slice(0, at))
      else cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }

  const send: WebLoginSetUp['send'] = async (url, further) => {
    const answer = (await login.handle(facts(url, further))) as HttpAnswer
    receive(answer)
    return answer
  }

  const begin: WebLoginSetUp['begin'] = async (path = '/auth/login', claims = {}, further = {}) => {
    const query = new URL(String((await send(path)).headers['Location'])).searchParams
    const nonce = query.get('nonce')
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims({ nonce, ...claims })), ...further }))
    return `/auth/callback/corporate?code=CANARY-code&state=${query.get('state')}`
  }

  return {
    ...{ server, time, provider, login, events, cookies, facts, send, receive, begin },
    signIn: async (...about) => send(await begin(...about)),
  }
}

/** The `Set-Cookie` fields of an answer. */
export function setCookiesOf({ headers }: Pick<HttpAnswer, 'headers'>): readonly string[] {
  return [headers['Set-Cookie'] ?? []].flat()
}
