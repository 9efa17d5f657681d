import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { publicClient } from 'portcullis/client'
import { loginRefusals, loginRoutes, requireLogin } from 'portcullis/express'
import { createLogin, createProvider, type LoginOptions, type Provider } from 'portcullis/login'
import { registerWebClient } from '../../examples/support/web-client.js'
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.js'
import { startChromium } from './chromium.js'
import { type HostileProxy, startHostileProxy } from './hostile-proxy.js'
import { freePort } from './loopback-server.js'

/** An application where users sign in, as browsers reach it. */
export interface LoginApp {
  /** Without a slash at its end. */
  readonly url: string
  /** Starts a login there, and waits for what the browser gets to. */
  start(page: Page, query?: string): Promise<void>
}

/** Applications behind a proxy, two authorization servers, another site, and a browser. */
export interface LoginStage {
  readonly proxy: HostileProxy
  /** Signs users in at `corporate`, and at `other`. */
  readonly servers: { readonly corporate: AuthorizationServer; readonly other: AuthorizationServer }
  readonly clientIds: Readonly<Record<string, string>>
  readonly app: LoginApp
  /** The origin of a site that means no good. */
  readonly evilUrl: string
  /** Puts a page there. */
  readonly evilPages: Map<string, string>
  /** A further application, below a path that the proxy cuts off. */
  addApp(prefix: string, options?: Partial<LoginOptions>, provide?: (provider: Provider) => Provider): Promise<LoginApp>
  /** The browser of one person, closed with the stage. */
  open(): Promise<BrowserContext>
  close(): Promise<void>
}

const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(7) }]

/** Sets all of it up. Users click on the login page where `login` is `page`. */
export async function setUpLoginStage(login: 'automatic' | 'page' = 'automatic'): Promise<LoginStage> {
  const [proxy, corporate, other, browser] = await Promise.all([
    startHostileProxy(),
    startAuthorizationServer({ resources: {}, login }),
    startAuthorizationServer({ resources: {}, login, port: await freePort() }),
    startChromium(['app.test', 'evil.test']),
  ])
  const servers = { corporate, other }
  const evilUrl = `https://evil.test:${proxy.port}`
  const appOrigin = `https://app.test:${proxy.port}`
  const evilPages = new Map<string, string>()
  const clientIds: Record<string, string> = {}
  const ends: (() => Promise<unknown>)[] = [() => browser.close(), () => proxy.close()]
  proxy.mount('evil.test', '', (req, res) => {
    res.setHeader('content-type', 'text/html').end(evilPages.get((req.url ?? '').replace(/\?.*/, '')) ?? '')
  })

  const addApp: LoginStage['addApp'] = async (prefix, options = {}, provide = (one) => one) => {
    const url = appOrigin + prefix
    const providers = await Promise.all(
      (['corporate', 'other'] as const).map(async (name) => {
        const { issuer } = servers[name]
        const paths = { callbacks: [`${url}/auth/callback/${name}`], afterLogout: `${url}/` }
        const clientId = await registerWebClient(issuer, paths)
        clientIds[prefix + name] = clientId
        const credential = publicClient({ clientId })
        return createProvider({ name, issuer, credential, scopes: ['openid'], allowInsecureLoopback: true })
      }),
    )
    const served = await serve(providers.map(provide), { baseUrl: url, ...options })
    proxy.mount('app.test', prefix, served)
    ends.push(served.close, ...providers.map((provider) => provider.close))
    return { url, start: async (page, query = '') => void (await page.goto(`${url}/auth/login/corporate${query}`)) }
  }

  return {
    ...{ proxy, servers, clientIds, evilUrl, evilPages, addApp },
    app: await addApp(''),
    open: () => open(browser),
    async close() {
      await Promise.all(ends.map((end) => end()))
      await Promise.all([corporate.close(), other.close()])
    },
  }
}

async function serve(providers: readonly Provider[], options: { baseUrl: string } & Partial<LoginOptions>) {
  const login = createLogin({ providers, keys, limit: false, ...options })
  const app = express()
  app.use(loginRoutes(login))
  app.get('/me', requireLogin(login), (req, res) => void res.send(page(`me: ${req.login.account.subject}`)))
  app.get('/strong', requireLogin(login, { acrValues: ['urn:example:mfa'] }), (req, res) => {
    res.send(page(`strong: ${req.login.acr}`))
  })
  app.use(loginRefusals(login))
  app.use((_req, res) => void res.send(page('landed')))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function page(heading: string): string {
  return `<!doctype html><title>${heading}</title><h1>${heading}</h1>`
}

async function open(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  context.setDefaultTimeout(30_000)
  return context
}

/** What a page says in its first heading. */
export async function headingOf(page: Page): Promise<string> {
  return (await page.locator('h1').first().textContent()) ?? ''
}

/** The names of the cookies that a browser has of a site. */
export async function cookieNames(context: BrowserContext, url: string): Promise<string[]> {
  return (await context.cookies(url)).map(({ name }) => name).sort()
}
