import type { BrowserContext, Page, Request } from 'playwright-core'
import { publicClient } from 'portcullis/client'
import { createProvider, type LoginResult, type Provider } from 'portcullis/login'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasChromium } from '../support/chromium.js'
import { cookieNames, headingOf, type LoginStage, setUpLoginStage } from '../support/login-in-chromium.js'
import { badTargets, goodTargets } from '../support/return-to-corpus.js'

/*
 * Attacks on the login of a web application, by other sites and other servers, as Chromium meets them.
 */
describe.runIf(hasChromium('attacks on web login'))('in Chromium', () => {
  let stage: LoginStage
  let victim: BrowserContext
  let page: Page

  beforeAll(async () => {
    stage = await setUpLoginStage()
  })
  beforeEach(async () => {
    victim = await stage.open()
    page = await victim.newPage()
  })
  afterEach(() => victim.close())
  afterAll(() => stage?.close())

  const url = (path: string) => stage.app.url + path
  const callback = '/auth/callback/corporate'
  const sessionOf = async (context = victim) =>
    (await context.cookies(stage.app.url)).find(({ name }) => name === '__Host-pc_session')?.value

  /** Begins a login as somebody, and stops before the application sees the answer. That answer. */
  async function answerFor(
    who: Page,
    hint: string,
    start = `/auth/login/corporate?login_hint=${hint}`,
  ): Promise<string> {
    const answer = stage.proxy.hold(/\/auth\/callback\//)
    await who.goto(url(start))
    return answer
  }

  /** Another person, with a browser of their own, who is sent on by the provider. */
  async function attackersAnswer(): Promise<string> {
    const attacker = await stage.open()
    const answer = await answerFor(await attacker.newPage(), 'mallory')
    await attacker.close()
    return answer
  }

  /** Has the victim come to the other site, which sends them on. */
  async function lure(html: string): Promise<void> {
    stage.evilPages.set('/', html)
    await page.goto(`${stage.evilUrl}/`)
  }

  it('[A6] [S2-54] signs nobody in to the account of an attacker: a login that another site hands over', async () => {
    const answer = await attackersAnswer()
    const seen = page.waitForResponse((response) => response.url() === answer)
    await lure(`<script>location.href = ${JSON.stringify(answer)}</script>`)
    expect((await seen).status()).toBe(400)
    await page.waitForURL(answer)
    expect(await headingOf(page)).toBe('Please start again')
    expect(await cookieNames(victim, stage.app.url)).toEqual([])
    const { searchParams } = new URL(answer)
    const fields = [...searchParams].map(([name, value]) => `<input name="${name}" value="${value}">`)
    await lure(
      `<form method="post" action="${url(callback)}">${fields.join('')}</form><script>document.forms[0].submit()</script>`,
    )
    await page.waitForURL(url(callback))
    expect(await headingOf(page)).toBe('Please start again')
    expect(await cookieNames(victim, stage.app.url)).toEqual([])
  })

  it('[A6] [SEC-07] takes no answer to the login of another browser, also during a login of its own', async () => {
    const own = await answerFor(page, 'alice')
    await page.goto(await attackersAnswer())
    expect(await headingOf(page)).toBe('Please start again')
    expect(await sessionOf()).toBeUndefined()
    const mixed = new URL(own)
    mixed.searchParams.set('code', new URL(await attackersAnswer()).searchParams.get('code') as string)
    await page.goto(mixed.href)
    expect(await headingOf(page)).not.toBe('landed')
    expect(await sessionOf()).toBeUndefined()
    await page.goto(own)
    expect(await headingOf(page)).toBe('Please start again')
  })

  it('[A6] takes an answer once: nobody signs in with what is left in the history', async () => {
    const answer = await answerFor(page, 'alice')
    await page.goto(answer)
    expect([page.url(), await headingOf(page)]).toEqual([url('/'), 'landed'])
    await victim.clearCookies({ name: '__Host-pc_session' })
    await page.goto(answer)
    expect([await headingOf(page), await sessionOf()]).toEqual(['Please start again', undefined])
  })

  it('[A6] [AZ-04] [SEC-06] is not mixed up by one provider that sends users on to another', async () => {
    const { corporate } = stage.servers
    // The authorization endpoint of the other server is the attacker's: it sends users on to the honest one.
    const mixed = await stage.addApp('/mixed', {}, (provider) => {
      const { name, issuer, clientId, scopes } = provider
      const endpoints = { authorization: `${stage.evilUrl}/auth` }
      const credential = publicClient({ clientId })
      const given = { name, issuer, credential, scopes, allowInsecureLoopback: true }
      return name === 'other' ? createProvider({ ...given, endpoints }) : provider
    })
    const swapped = {
      client_id: stage.clientIds['/mixedcorporate'],
      redirect_uri: `${mixed.url}${callback}`,
      login_hint: 'alice',
    }
    stage.evilPages.set(
      '/auth',
      `<script>const sent = new URLSearchParams(location.search)
      for (const [name, value] of Object.entries(${JSON.stringify(swapped)})) sent.set(name, value)
      location.href = '${corporate.issuer}/auth?' + sent</script>`,
    )
    await page.goto(`${mixed.url}/auth/login/other`)
    await page.waitForURL(/\/mixed\/auth\/callback\/corporate\?code=/)
    expect(await page.textContent('code')).toBe('ERR_LOGIN_TRANSACTION')
    expect(await sessionOf()).toBeUndefined()
    // Had both one path, the issuer in the answer would tell.
    const answer = new URL(await answerFor(page, 'alice', '/auth/login/other'))
    answer.searchParams.set('iss', corporate.issuer)
    await page.goto(answer.href)
    expect(await page.textContent('code')).toBe('ERR_LOGIN_ISSUER')
    expect(await sessionOf()).toBeUndefined()
  })

  it('[A6] believes no error that names no login, and goes on with the one under way', async () => {
    const answer = await answerFor(page, 'alice')
    const tab = await victim.newPage()
    await tab.goto(url(`${callback}?error=access_denied&error_description=call+0900-evil`))
    expect(await headingOf(tab)).toBe('Please start again')
    expect(await tab.content()).not.toContain('0900-evil')
    await tab.goto(url(`${callback}?error=access_denied&state=made-up`))
    expect(await headingOf(tab)).toBe('Please start again')
    await page.goto(answer)
    expect(await headingOf(page)).toBe('landed')
  })

  it('[A6] takes no parameter twice', async () => {
    for (const name of ['code', 'state', 'iss']) {
      const answer = new URL(await answerFor(page, 'alice'))
      answer.searchParams.append(name, answer.searchParams.get(name) as string)
      await page.goto(answer.href)
      expect([name, await headingOf(page)]).toEqual([name, 'The login did not work'])
      expect(await sessionOf()).toBeUndefined()
    }
  })

  it('[A6] [SEC-05] never has a browser send a form on to where it is redirected', async () => {
    const posted = await stage.addApp('/posted', { responseMode: 'form_post' })
    const requests: Request[] = []
    page.on('request', (request) => void requests.push(request))
    await posted.start(page, '?returnTo=/posted/after')
    await page.waitForURL(`${posted.url}/after`)
    const form = requests.find((request) => request.method() === 'POST') as Request
    expect(form.url()).toBe(`${posted.url}/auth/callback/corporate`)
    expect(form.postData()).toContain('code=')
    const after = requests.at(-1) as Request
    expect([after.redirectedFrom()?.url(), after.method(), after.postData()]).toEqual([form.url(), 'GET', null])
    const redirects = stage.proxy.passed.filter(({ status }) => status > 300 && status < 400)
    expect(new Set(redirects.map(({ status }) => status))).toEqual(new Set([303]))
  })

  it('[A6] gives a login a new session, whatever one an attacker planted', async () => {
    const attacker = await stage.open()
    const theirs = await attacker.newPage()
    await theirs.goto(url('/auth/login/corporate?login_hint=mallory'))
    const planted = (await sessionOf(attacker)) as string
    await victim.addCookies([{ name: '__Host-pc_session', value: planted, url: stage.app.url, secure: true }])
    await page.goto(url('/auth/login/corporate?login_hint=alice&returnTo=/me'))
    expect(await headingOf(page)).toBe('me: alice')
    expect(await sessionOf()).not.toBe(planted)
    await theirs.goto(url('/me'))
    expect(await headingOf(theirs)).toBe('Sign in with')
    await attacker.close()
  })

  it('[A6] ends a session that an attacker planted also where the answer is posted, and no cookie of it comes', async () => {
    const posted = await stage.addApp('/planted', { responseMode: 'form_post' })
    const attacker = await stage.open()
    const theirs = await attacker.newPage()
    await posted.start(theirs, '?login_hint=mallory&returnTo=/planted/me')
    expect(await headingOf(theirs)).toBe('me: mallory')
    const planted = (await sessionOf(attacker)) as string
    const cookie = { name: '__Host-pc_session', value: planted, url: stage.app.url, secure: true }
    await victim.addCookies([{ ...cookie, httpOnly: true, sameSite: 'Lax' }])
    await posted.start(page, '?login_hint=alice&returnTo=/planted/me')
    expect(await headingOf(page)).toBe('me: alice')
    expect(await sessionOf()).not.toBe(planted)
    await theirs.goto(`${posted.url}/me`)
    expect(await headingOf(theirs)).toBe('Sign in with')
    await attacker.close()
  })

  it('[A6] [S2-55] signs nobody out, and does nothing for them, on request of another site', async () => {
    await page.goto(url('/auth/login/corporate?login_hint=alice'))
    await lure(
      `<img src="${url('/auth/logout')}"><form method="post" action="${url('/auth/logout')}"></form><script>document.forms[0].submit()</script>`,
    )
    await page.waitForURL(url('/auth/logout'))
    expect(await headingOf(page)).toBe('Not from here')
    await page.goto(url('/me'))
    expect(await headingOf(page)).toBe('me: alice')
  })

  it('[A7] goes nowhere but to its own paths after a login, whatever `returnTo` says', async () => {
    const targets = [...goodTargets.map(([wanted]) => wanted as string), ...badTargets.map(String)]
    expect(targets.length).toBeGreaterThanOrEqual(80)
    const instant = await stage.addApp('/instant', { tokens: false }, atOnce)
    const visited: string[] = []
    victim.on('request', (request) => request.isNavigationRequest() && visited.push(request.url()))
    await page.goto(`${instant.url}/`)
    const ends = await page.evaluate(
      landings,
      targets.map((wanted) => `/instant/auth/login/corporate?returnTo=${encodeURIComponent(wanted)}`),
    )
    expect(ends).toHaveLength(targets.length)
    const off = targets.filter((_target, at) => !ends[at]?.startsWith(`${stage.app.url}/`))
    expect(off).toEqual([])
    const good = goodTargets.map(([, path]) => stage.app.url + path)
    expect(ends.slice(0, good.length)).toEqual(good)
    expect(new Set(ends.slice(good.length))).toEqual(new Set([`${stage.app.url}/`]))
    expect(visited.filter((one) => !one.startsWith(`${stage.app.url}/`))).toEqual([])
    expect(visited.length).toBeGreaterThan(3 * targets.length)
  })
})

/** A provider whose users come back at once: what is on trial is where they go then. */
function atOnce(provider: Provider): Provider {
  return {
    ...provider,
    async authorizationRequest(params) {
      const { transaction } = await provider.authorizationRequest(params)
      return { transaction, url: `${params.redirectUri}?code=x&state=${transaction.state}` }
    },
    async redeem() {
      const account = { issuer: 'https://as.example', subject: 'alice' }
      return { account, tokens: { accessToken: 'x' }, claims: undefined, userInfo: undefined } as LoginResult
    },
  }
}

/** Loads each address in a frame, and says where it ends. Runs in the page. */
async function landings(addresses: readonly string[]): Promise<string[]> {
  const ends: string[] = []
  for (const src of addresses) {
    const frame = Object.assign(document.createElement('iframe'), { src })
    await new Promise((resolve) => {
      frame.onload = resolve
      document.body.append(frame)
    })
    try {
      ends.push(String(frame.contentWindow?.location.href))
    } catch {
      ends.push('elsewhere')
    }
    frame.remove()
  }
  return ends
}
