import axe from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasChromium } from '../support/chromium.js'
import { cookieNames, headingOf, type LoginStage, setUpLoginStage } from '../support/login-in-chromium.js'

/*
 * Web login in Chromium, at real oidc-provider, behind a proxy that ends TLS and lies about host and scheme.
 */
describe.runIf(hasChromium('web login in a browser'))('web login in Chromium', () => {
  let stage: LoginStage
  let person: BrowserContext
  let page: Page

  beforeAll(async () => {
    stage = await setUpLoginStage('page')
  })
  beforeEach(async () => {
    person = await stage.open()
    page = await person.newPage()
  })
  afterEach(() => person.close())
  afterAll(() => stage?.close())

  const signInAs = async (name: string, at = page) => {
    await at.getByRole('button', { name: `Sign in as ${name}` }).click()
    await at.waitForURL(/^https:\/\/app\.test/)
  }
  const url = (path: string) => stage.app.url + path

  it('[A5] lets the newest three of ten tabs through, and asks the others to start again', async () => {
    const tabs: Page[] = []
    for (let tab = 0; tab < 10; tab += 1) {
      const opened = await person.newPage()
      await stage.app.start(opened, `?returnTo=/tab/${tab}`)
      tabs.push(opened)
    }
    const headings: string[] = []
    for (const tab of tabs) {
      await signInAs('alice', tab)
      headings.push(await headingOf(tab))
    }
    expect(headings.slice(0, 7)).toEqual(Array(7).fill('Please start again'))
    expect(headings.slice(7)).toEqual(Array(3).fill('landed'))
    expect(tabs[7]?.url()).toBe(url('/tab/7'))
    const again = tabs[0] as Page
    await again.getByRole('link', { name: 'Start again' }).click()
    await again.waitForURL(url('/'))
    expect(await cookieNames(person, stage.app.url)).toEqual(['__Host-pc_session'])
  })

  it('[A5] leaves three cookies of a hundred logins that were given up, below 8 KiB with the session', async () => {
    await stage.app.start(page)
    await signInAs('alice')
    await page.goto(url('/auth/login/other'))
    await page.goto(url('/'))
    await stage.servers.other.stop()
    const before = stage.proxy.passed.length
    const start = url(`/auth/login/other?returnTo=/${'long'.repeat(500)}`)
    await page.evaluate(async (src) => {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        // The last ones are short, so that their number counts and not their length.
        const short = src.replace(/long/g, '')
        const frame = Object.assign(document.createElement('iframe'), { src: attempt < 90 ? src : short })
        await new Promise((resolve) => {
          frame.onload = resolve
          document.body.append(frame)
        })
        frame.remove()
      }
    }, start)
    await stage.servers.other.restart()
    await page.goto(url('/nothing'))
    const names = await cookieNames(person, stage.app.url)
    expect(names.filter((name) => name.startsWith('__Host-pc_txn_')).length).toBeLessThanOrEqual(3)
    expect(names).toContain('__Host-pc_session')
    const later = stage.proxy.passed.slice(before)
    expect(later.filter((one) => one.url.startsWith(url('/auth/login/other')) && one.status === 303)).toHaveLength(100)
    const lengths = later.map(({ cookieLength }) => cookieLength)
    expect(Math.max(...lengths)).toBeGreaterThan(1000)
    expect(Math.max(...lengths)).toBeLessThan(8192)
  })

  it('[A15] [S2-09] [LOGO-01] works below a path that a proxy cuts off, whatever it says of host and scheme', async () => {
    const below = await stage.addApp('/tools')
    const visited: string[] = []
    page.on('request', (request) => request.isNavigationRequest() && visited.push(request.url()))
    await page.goto(`${below.url}/me?tab=2`)
    await page.getByRole('link', { name: 'corporate' }).click()
    await signInAs('alice')
    expect([page.url(), await headingOf(page)]).toEqual([`${below.url}/me?tab=2`, 'me: alice'])
    const origins = new Set(visited.map((one) => new URL(one).origin))
    expect([...origins].sort()).toEqual([stage.servers.corporate.issuer, new URL(below.url).origin].sort())
    const sent = visited.find((one) => one.includes('redirect_uri=')) as string
    expect(new URL(sent).searchParams.get('redirect_uri')).toBe(`${below.url}/auth/callback/corporate`)
    await page.goto(`${below.url}/auth/logout`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Yes' }).click()
    await page.waitForURL(`${below.url}/**`)
    await page.goto(`${below.url}/me`)
    expect(await headingOf(page)).toBe('Sign in with')
  })

  it('[A4] keeps two people apart who sign in at once', async () => {
    const other = await stage.open()
    const page2 = await other.newPage()
    await Promise.all([page.goto(url('/auth/login/corporate?returnTo=/me')), stage.app.start(page2, '?returnTo=/me')])
    await Promise.all([signInAs('alice'), signInAs('bob', page2)])
    expect([await headingOf(page), await headingOf(page2)]).toEqual(['me: alice', 'me: bob'])
    await Promise.all([page.reload(), page2.reload()])
    expect([await headingOf(page), await headingOf(page2)]).toEqual(['me: alice', 'me: bob'])
    await other.close()
  })

  it('brings a user home who goes back after the login, or comes back twice', async () => {
    await page.goto(url('/before'))
    let callback = ''
    page.on('request', (request) => {
      if (request.url().includes('/auth/callback/')) callback = request.url()
    })
    await stage.app.start(page, '?returnTo=/me')
    await signInAs('alice')
    expect(page.url()).toBe(url('/me'))
    await page.goto(callback)
    expect([page.url(), await headingOf(page)]).toEqual([url('/'), 'landed'])
    await page.goBack()
    await page.goto(url('/me'))
    expect(await headingOf(page)).toBe('me: alice')
  })

  it('starts no login and ends none for a page that the browser fetches ahead of time', async () => {
    await stage.app.start(page)
    await signInAs('alice')
    const before = stage.proxy.passed.length
    await page.goto(url('/'))
    const ahead = ['/auth/login/corporate', '/me?ahead', '/auth/logout'].map((path) => {
      const answer = page.waitForResponse(url(path))
      return { path, answer }
    })
    await page.evaluate(
      (paths) => {
        for (const href of paths)
          document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href }))
      },
      ahead.map(({ path }) => path),
    )
    const statuses = await Promise.all(ahead.map(async ({ answer }) => (await answer).status()))
    expect(statuses).toEqual([401, 200, 200])
    const fetched = stage.proxy.passed.slice(before).filter(({ headers }) => headers['sec-purpose'] === 'prefetch')
    expect(fetched.map(({ setCookies }) => setCookies)).toEqual([[], [], []])
    await page.goto(url('/me'))
    expect(await headingOf(page)).toBe('me: alice')
  })

  it('shows a user who said no a page, and starts no session', async () => {
    await stage.app.start(page, '?returnTo=/me')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForURL(/^https:\/\/app\.test/)
    expect(await headingOf(page)).toBe('You did not sign in')
    expect(await cookieNames(person, stage.app.url)).toEqual([])
    await page.getByRole('link', { name: 'Start again' }).click()
    await signInAs('bob')
    expect(await headingOf(page)).toBe('me: bob')
  })

  it('sends a user to a better login once, under a new session', async () => {
    await stage.app.start(page)
    await signInAs('alice')
    const idOf = async () => (await person.cookies(stage.app.url)).find(({ name }) => name.endsWith('session'))?.value
    const before = await idOf()
    await page.goto(url('/strong'))
    await signInAs('alice')
    expect([page.url(), await headingOf(page)]).toEqual([url('/strong'), 'strong: urn:example:mfa'])
    expect(await idOf()).not.toBe(before)
    await page.reload()
    expect(await headingOf(page)).toBe('strong: urn:example:mfa')
  })

  it('[S2-56] keeps two users apart where another one comes back from a better login', async () => {
    const idOf = async () => (await person.cookies(stage.app.url)).find(({ name }) => name.endsWith('session'))?.value
    await stage.app.start(page)
    await signInAs('alice')
    const before = (await idOf()) as string
    // Her session at the provider is over, so that anybody may sign in there.
    await person.clearCookies({ domain: new URL(stage.servers.corporate.issuer).hostname })
    await page.goto(url('/strong'))
    await signInAs('bob')
    expect([page.url(), await headingOf(page)]).toEqual([url('/'), 'landed'])
    await page.goto(url('/me'))
    expect(await headingOf(page)).toBe('me: bob')
    const other = await stage.open()
    await other.addCookies([{ name: '__Host-pc_session', value: before, url: stage.app.url, secure: true }])
    const stolen = await other.newPage()
    await stolen.goto(url('/me'))
    expect(await headingOf(stolen)).toBe('Sign in with')
    await other.close()
  })

  it('shows pages without an obstacle that axe knows, light and dark', async () => {
    const judged: (readonly [heading: string, violations: string[]])[] = []
    const judge = async (path: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await page.goto(url(path))
        await page.evaluate(axe.source)
        const { passes, violations } = await page.evaluate(() =>
          (globalThis as unknown as { axe: typeof axe }).axe.run(),
        )
        expect(passes.map(({ id }) => id)).toEqual(
          expect.arrayContaining(['color-contrast', 'html-has-lang', 'region']),
        )
        judged.push([await headingOf(page), violations.map(({ id }) => id)])
      }
    }
    await judge('/auth/login')
    await judge('/auth/callback/corporate')
    await stage.app.start(page)
    await signInAs('alice')
    await judge('/auth/logout')
    const headings = ['Sign in with', 'Please start again', 'Do you want to sign out?']
    expect(judged).toEqual(headings.flatMap((heading) => [heading, heading]).map((heading) => [heading, []]))
  })
})
