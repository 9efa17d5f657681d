import type { Browser, BrowserContext, Page } from 'playwright-core'
import { publicClient } from 'portcullis/client'
import { createProvider, type Provider } from 'portcullis/login'
import { type LoopbackLoginOptions, loopbackLogin, type NativeLogin } from 'portcullis/native'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { hasChromium, startChromium } from '../support/chromium.js'

/** A login that waits for the browser. */
interface Waiting {
  /** What the browser of the user is told to open. */
  readonly startUrl: string
  /** What the user is shown to open instead. */
  readonly url: URL
  readonly redirectUri: URL
  readonly result: Promise<NativeLogin>
}

describe.runIf(hasChromium('the login on the loopback interface'))(
  'a loopback login with a real browser and server',
  () => {
    let server: AuthorizationServer
    let browser: Browser
    let context: BrowserContext
    let page: Page
    let provider: Provider

    beforeAll(async () => {
      server = await startAuthorizationServer({ resources: {} })
      browser = await startChromium(['evil.test'])
      const hosts = ['127.0.0.1', '[::1]', 'localhost']
      const response = await fetch(`${server.issuer}/reg`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          application_type: 'native',
          redirect_uris: hosts.map((host) => `http://${host}/callback`),
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
        }),
      })
      const { client_id: clientId } = (await response.json()) as { client_id: string }
      provider = createProvider({
        name: 'corporate',
        issuer: server.issuer,
        credential: publicClient({ clientId }),
        scopes: ['openid', 'offline_access'],
        prompt: 'consent',
        allowInsecureLoopback: true,
      })
    })

    afterAll(async () => {
      await provider?.close()
      await browser?.close()
      await server?.close()
    })

    beforeEach(async () => {
      context = await browser.newContext()
      page = await context.newPage()
      return () => context.close()
    })

    async function begin(options: LoopbackLoginOptions = {}): Promise<Waiting> {
      let url = new URL(server.issuer)
      let result: Promise<NativeLogin> | undefined
      const startUrl = await new Promise<string>((resolve, reject) => {
        result = loopbackLogin(provider, {
          openBrowser: resolve,
          onUrl: (shown) => {
            url = new URL(shown)
          },
          ...options,
        })
        result.catch(reject)
      })
      const redirectUri = new URL(url.searchParams.get('redirect_uri') as string)
      return { startUrl, url, redirectUri, result: result as Promise<NativeLogin> }
    }

    /** Every address that the browser could go back to. */
    async function historyOf(tab: Page): Promise<readonly string[]> {
      const session = await context.newCDPSession(tab)
      const { entries } = await session.send('Page.getNavigationHistory')
      return entries.map(({ url }) => url)
    }

    it.each(['127.0.0.1', '::1', 'localhost'] as const)(
      '[A8] [S1-83] [S2-07] [S2-08] signs in at %s, and leaves the code in no address that the browser keeps',
      async (host) => {
        const { startUrl, url, redirectUri, result } = await begin({ host })
        await page.goto(startUrl)
        expect(await page.textContent('h1')).toBe('You are signed in')
        const { account, tokens } = await result
        expect(account).toEqual({ issuer: server.issuer, subject: 'user-1' })
        expect(tokens.refreshToken).toBeDefined()
        expect(page.url()).toBe(`${redirectUri.href}/done`)
        const kept = (await historyOf(page)).join('\n')
        expect(kept).toContain('/done')
        for (const name of ['code=', 'state=', 'nonce=', url.searchParams.get('state') as string]) {
          expect(kept).not.toContain(name)
        }
        expect(await page.evaluate('document.referrer')).toBe('')
        expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('544px')
      },
    )

    it('[A8] [S2-08] lets a favicon, a scanner and a page of a stranger ask, and waits on', async () => {
      const { startUrl, url, redirectUri, result } = await begin()
      const { origin, port } = redirectUri
      const answer = `/callback?code=stolen&state=${url.searchParams.get('state')}`
      const stray = await context.newPage()
      await expect(stray.goto(`${origin}/`)).rejects.toThrow('ERR_HTTP_RESPONSE_CODE_FAILURE')
      await expect(stray.goto(`${origin}/favicon.ico`)).rejects.toThrow('ERR_HTTP_RESPONSE_CODE_FAILURE')
      await expect(stray.goto(`http://evil.test:${port}${answer}`)).rejects.toThrow('ERR_HTTP_RESPONSE_CODE_FAILURE')
      await page.goto(startUrl)
      expect(await page.textContent('h1')).toBe('You are signed in')
      await result
    })

    it('[A8] [S2-08] takes the answer of one of two tabs, and is over for the other', async () => {
      const { startUrl, url, result } = await begin()
      const left = await context.newPage()
      let goOn: () => void = () => {}
      const held = new Promise<void>((resolve) => {
        goOn = resolve
      })
      await left.route(`${server.issuer}/auth?**`, (route) => held.then(() => route.continue()))
      const first = left.goto(url.href).then(
        () => left.textContent('h1'),
        (error: Error) => error.message,
      )
      await left.waitForRequest(`${server.issuer}/auth?**`)
      await page.goto(startUrl)
      expect(await page.textContent('h1')).toBe('You are signed in')
      await result
      goOn()
      expect(await first).toContain('ERR_CONNECTION_REFUSED')
    })

    it('[A8] [A9] [S2-08] tells the browser of a refusal without a word of the server', async () => {
      const { url, redirectUri, result } = await begin()
      const outcome = expect(result).rejects.toMatchObject({ code: 'ERR_LOGIN_DENIED' })
      const refusal = new URLSearchParams({
        error: 'access_denied',
        error_description: '<img src=x onerror=alert(1)> canary',
        state: url.searchParams.get('state') as string,
        iss: server.issuer,
      })
      await page.route(`${server.issuer}/auth?**`, (route) =>
        route.fulfill({
          contentType: 'text/html',
          body: `<script>location.replace('${redirectUri.href}?${refusal}')</script>`,
        }),
      )
      await page.goto(url.href)
      await outcome
      await page.waitForURL('**/done')
      expect(await page.textContent('h1')).toBe('The login was refused')
      expect(await page.content()).not.toContain('canary')
      expect((await historyOf(page)).join()).not.toContain('canary')
    })

    it('[A8] [S2-11] leaves nothing to connect to when the application gives up', async () => {
      const controller = new AbortController()
      const { redirectUri, startUrl, result } = await begin({ signal: controller.signal })
      controller.abort()
      await expect(result).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
      await expect(page.goto(startUrl)).rejects.toThrow('ERR_CONNECTION_REFUSED')
      await expect(page.goto(redirectUri.href)).rejects.toThrow('ERR_CONNECTION_REFUSED')
    })
  },
)
