import { createServer } from 'node:http'
import express from 'express'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEventSink } from '../../src/kit/event-sink.js'
import { hasChromium, startChromium } from '../support/chromium.js'
import { type InspectedApi, pageToken, startInspectedApi } from '../support/inspected-api.js'
import { hostilePayloads, openInspector } from '../support/inspector-in-chromium.js'
import { freePort, listenOnLoopback } from '../support/loopback-server.js'

describe.runIf(hasChromium('the development page in a browser'))('the development page in Chromium', () => {
  let browser: Browser
  let api: InspectedApi
  beforeAll(async () => {
    browser = await startChromium(['evil.test'])
    api = await startInspectedApi({ routes: { '/me': {}, '/write': { scope: 'write' } } })
  })
  afterAll(async () => {
    await browser.close()
    await api.close()
  })

  const openPage = (origin = api.origin, options: BrowserContextOptions = {}) => openInspector(browser, origin, options)
  const row = (page: Page, text: string) => page.locator('#rows button', { hasText: text }).first()

  it('shows a request with its steps, its challenge and its token masked, and leaves the token of the page nowhere', async () => {
    const { context, page, trouble } = await openPage()
    const referers: string[] = []
    context.on('request', (request) => referers.push(`${request.url()} ${request.headers()['referer'] ?? ''}`))
    const secret = 'canary-of-a-claim'
    const token = api.issuer.mintToken({ scope: 'read', email: secret, nonce: secret })
    await api.call('/write?session=canary-of-a-query', token, { cookie: 'sid=canary-of-a-cookie' })
    await row(page, '/write').click()
    const details = page.locator('#details')
    await details.locator('.verdict', { hasText: 'refused 403 ERR_SCOPE_INSUFFICIENT' }).waitFor()
    const text = String(await details.textContent())
    for (const part of [
      'scope',
      '"write"',
      'RFC 6750 §3.1',
      'insufficient_scope',
      'skipped',
      'text of 17 characters',
    ]) {
      expect(text).toContain(part)
    }
    const dom = await page.content()
    for (const canary of [token, token.split('.')[2] as string, 'canary-of-', pageToken])
      expect(dom).not.toContain(canary)
    expect(page.url()).toBe(`${api.origin}/.portcullis/`)
    await page.reload()
    await page.locator('#status.good').waitFor()
    await page.goto(`${api.origin}/elsewhere`)
    const [entries, kept] = await page.evaluate(() => [
      performance
        .getEntriesByType('navigation')
        .map(({ name }) => name)
        .join(' '),
      Object.values(localStorage).join(' ') + document.cookie,
    ])
    expect([entries, kept, ...referers].join(' ')).not.toContain(pageToken)
    expect(trouble.filter((line) => !line.includes('404'))).toEqual([])
    await context.close()
  })

  it('searches, filters, pauses, and copies a request for a shell and for an issue', async () => {
    const { context, page } = await openPage(api.origin, { permissions: ['clipboard-read', 'clipboard-write'] })
    const token = api.issuer.mintToken({})
    const client = createDpopClient()
    const url = 'https://api.example.com/me'
    await api.call('/me?needle=1', token)
    await api.call(
      "/me?it's",
      undefined,
      client.headers({ url, accessToken: api.issuer.mintToken({ cnf: { jkt: client.jkt } }) }) as never,
    )
    await api.call('/write', token)
    await row(page, 'needle').waitFor()
    await row(page, '/write').waitFor()
    const shown = () => page.locator('#rows li:visible').count()
    await page.fill('#search', 'needle')
    await expect.poll(shown).toBe(1)
    await page.fill('#search', '')
    await page.selectOption('#filter', 'refused')
    await expect.poll(async () => page.locator('#rows li:visible .accepted').count()).toBe(0)
    await page.selectOption('#filter', 'all')

    await page.click('#pause')
    await api.call('/me?while-paused', token)
    await page.locator('#pause', { hasText: /1 new/ }).waitFor()
    expect(await row(page, 'while-paused').count()).toBe(0)
    await page.click('#pause')
    await row(page, 'while-paused').waitFor()

    const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
    await row(page, "it's").click()
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    await page.locator('#said', { hasText: 'Copied.' }).waitFor()
    expect(await clipboard()).toMatch(
      /^curl -i 'http:\/\/127\.0\.0\.1:\d+\/me\?it'\\''s=…' -H "Authorization: DPoP \$TOKEN" -H "DPoP: \$PROOF"$/,
    )
    await row(page, '/write').click()
    await page.getByRole('button', { name: 'Copy for an issue' }).click()
    await expect.poll(clipboard).toMatch(/^```text\nGET \/write → refused 403 ERR_SCOPE_INSUFFICIENT\n/)
    const issue = await clipboard()
    expect(issue).toContain('passed signature')
    expect(issue).not.toContain(token)
    expect(issue).not.toContain(token.split('.')[1])

    await page.click('#clear')
    expect(await shown()).toBe(0)
    await context.close()
  })

  it('is worked by keys alone, shows keys and settings, and explains a token that is pasted', async () => {
    const { context, page, trouble } = await openPage()
    await api.call('/me?earlier', api.issuer.mintToken({}))
    await api.call('/me?later', api.issuer.mintToken({}))
    await row(page, 'later').waitFor()
    await page.keyboard.press('j')
    await page.locator('#details h2', { hasText: 'later' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.locator('#details h2', { hasText: 'earlier' }).waitFor()
    await page.keyboard.press('k')
    await page.locator('#details h2', { hasText: 'later' }).waitFor()
    await page.keyboard.press('/')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search')
    await page.keyboard.type('p')
    expect(await page.inputValue('#search')).toBe('p')
    await page.keyboard.press('Escape')
    await page.keyboard.press('p')
    expect(await page.getAttribute('#pause', 'aria-pressed')).toBe('true')
    await page.keyboard.press('p')

    await page.focus('#tab-requests')
    await page.keyboard.press('ArrowRight')
    const state = page.locator('#state')
    await state.locator('caption', { hasText: `${api.issuer.issuer}: fresh` }).waitFor()
    expect(await state.textContent()).toContain('verified tokens')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.locator('#settings .warnings', { hasText: 'revocationStore' }).waitFor()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Tab')
    await page.keyboard.insertText(`Bearer ${api.issuer.mintToken({ scope: 'read' })}`)
    await page.fill('#scope', 'write')
    await page.focus('#ask')
    await page.keyboard.press('Enter')
    await page.locator('#answer .verdict', { hasText: 'refused 403 ERR_SCOPE_INSUFFICIENT' }).waitFor()
    await page.fill('#scope', 'a,b')
    await page.click('#ask')
    await page.locator('#answer p', { hasText: 'holds a comma' }).waitFor()
    expect(trouble.filter((line) => !line.includes('400'))).toEqual([])
    await context.close()
  })

  it('runs nothing that a sender wrote: 40 payloads as kid, iss, scope, name of a claim, path and route', async () => {
    expect(hostilePayloads).toHaveLength(40)
    const { context, page, trouble } = await openPage()
    await page.evaluate(() => {
      document.addEventListener('securitypolicyviolation', ({ blockedURI }) => console.error(`violation ${blockedURI}`))
    })
    for (const [at, payload] of hostilePayloads.entries()) {
      const token = api.issuer.mintToken(
        { iss: payload, scope: payload, [payload]: payload, aud: [payload] },
        { header: { kid: payload } },
      )
      await api.call(`/me/${encodeURIComponent(payload)}?${encodeURIComponent(payload)}=1`, token)
      await api.call(`/me?n=${at}&${encodeURIComponent(payload)}`, token)
      // At most twenty requests a second are shown.
      if (at % 15 === 14) await row(page, `n=`).waitFor()
    }
    await expect.poll(() => page.locator('#rows button').count()).toBeGreaterThan(15)
    const buttons = await page.locator('#rows button').all()
    for (const button of buttons.slice(0, 40)) await button.evaluate((element) => (element as HTMLElement).click())
    expect(
      await page.evaluate(
        () =>
          document.querySelectorAll('#rows :is(script, img, svg, iframe, a), #details :is(script, img, svg, iframe, a)')
            .length,
      ),
    ).toBe(0)
    expect(trouble).toEqual([])
    await context.close()
  })

  it('shows grants, circuit breakers, caches, logins and sessions beside the keys', async () => {
    const tell = createEventSink(undefined)
    const about = { issuer: 'https://as.test', correlationId: 'c' }
    tell({ type: 'grant.reused', ...about, resource: 'https://calendar.test', source: 'cache' })
    tell({ type: 'client.breaker', issuer: about.issuer, circuit: 'token', state: 'open' })
    tell({ type: 'session.created', provider: 'google' })
    const { context, page, trouble } = await openPage()
    await page.click('#tab-state')
    const table = (caption: string) => page.locator('#state table', { hasText: caption })
    const cells = (caption: string) => table(caption).locator('tbody tr').first().locator('th, td').allTextContents()
    await table('Grants').waitFor()
    expect(await cells('Grants')).toEqual(['https://calendar.test', '0', '1', '0', '–'])
    expect((await cells('Circuit breakers')).slice(0, 3)).toEqual(['https://as.test', 'token', 'open'])
    expect((await cells('Logins, sessions and tokens of users')).slice(0, 2)).toEqual(['session.created', '1'])
    expect((await cells('Caches'))[0]).toBe('verified tokens')
    const keys = await table(`${api.issuer.issuer}: `).locator('caption').textContent()
    expect(keys).toMatch(/1 keys, fetched \d+ (?:s|min|h) ago, good for in \d+ (?:s|min|h)$/)
    expect(trouble).toEqual([])
    await context.close()
  })

  it('is not there for a name that a DNS server points at this machine', async () => {
    const { port } = new URL(api.origin)
    const context = await browser.newContext()
    const page = await context.newPage()
    const answer = await page.goto(`http://evil.test:${port}/.portcullis/#${pageToken}`)
    expect([answer?.status(), await page.textContent('body')]).toEqual([404, 'of the application'])
    const read = await page.evaluate(async (token) => {
      const stream = await fetch('/.portcullis/stream', { headers: { 'X-Portcullis-Inspector': token } })
      return [stream.status, await stream.text()]
    }, pageToken)
    expect(read).toEqual([404, 'of the application'])
    await context.close()
  })

  it('gives nothing to another site: by fetch, form, script, frame, EventSource or WebSocket', async () => {
    const other = await listenOnLoopback((_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><title>another site</title>')
    })
    const { context, page: own } = await openPage()
    const page = await context.newPage()
    await page.goto(other.origin)
    const got = await page.evaluate(
      async ([base, token]) => {
        const tried = async (init: RequestInit, path = 'stream') =>
          fetch(`${base}/.portcullis/${path}`, init).then(
            (answer) => `${answer.type} ${answer.status}`,
            () => 'refused by the browser',
          )
        const headers = { 'X-Portcullis-Inspector': token as string }
        const loaded = (element: HTMLElement) =>
          new Promise((resolve) => {
            element.addEventListener('load', () => resolve('loaded'))
            element.addEventListener('error', () => resolve('error'))
            document.body.append(element)
          })
        const script = Object.assign(document.createElement('script'), { src: `${base}/.portcullis/stream` })
        const source = new Promise((resolve) => {
          const made = new EventSource(`${base}/.portcullis/stream`)
          made.onerror = () => resolve('error')
          made.onmessage = () => resolve('message')
        })
        const socket = new Promise((resolve) => {
          const made = new WebSocket(`${(base as string).replace('http', 'ws')}/.portcullis/stream`)
          made.onerror = () => resolve('error')
          made.onopen = () => resolve('open')
        })
        return [
          await tried({ headers }),
          await tried({ mode: 'no-cors' }),
          await tried(
            { method: 'POST', body: '{}', headers: { 'Content-Type': 'text/plain' }, mode: 'no-cors' },
            'explain',
          ),
          await tried({}, ''),
          await loaded(script),
          await source,
          await socket,
        ]
      },
      [api.origin, pageToken],
    )
    expect(got).toEqual([
      'refused by the browser',
      'opaque 0',
      'opaque 0',
      'refused by the browser',
      'error',
      'error',
      'error',
    ])
    const framed = await page.evaluate(async (base) => {
      const frame = Object.assign(document.createElement('iframe'), { src: `${base}/.portcullis/` })
      await new Promise((resolve) => {
        frame.addEventListener('load', resolve)
        document.body.append(frame)
      })
      return frame.contentDocument === null
    }, api.origin)
    expect(framed).toBe(true)
    const [, inner] = page.frames()
    expect(await inner?.locator('#rows').count()).toBe(0)
    const form = page.waitForNavigation()
    await page.evaluate((base) => {
      const made = Object.assign(document.createElement('form'), {
        method: 'post',
        action: `${base}/.portcullis/explain`,
      })
      document.body.append(made)
      made.submit()
    }, api.origin)
    expect((await form)?.status()).toBe(404)
    await own.close()
    await context.close()
    await other.close()
  })

  it('outlives a start of the server anew, and goes on by itself', async () => {
    const issuer = createTestIssuer()
    const port = await freePort()
    const first = await startInspectedApi({ issuer, port })
    const { context, page } = await openPage(first.origin)
    await first.call('/me?before', issuer.mintToken({}))
    await row(page, 'before').waitFor()
    await first.close()
    await page.locator('#status.bad').waitFor()
    const app = express()
    const second = await startInspectedApi({ issuer })
    app.use((req, res, next) => second.page(req, res, next))
    const again = createServer(app).listen(port, '127.0.0.1')
    await second.call('/me?after', issuer.mintToken({}))
    await row(page, 'after').waitFor()
    await page.locator('.note', { hasText: 'started anew' }).waitFor()
    expect(await row(page, 'before').count()).toBe(1)
    await context.close()
    again.close()
    again.closeAllConnections()
    await second.close()
    await issuer.close()
  })

  it('says so where the server does not know its token', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(`${api.origin}/.portcullis/#another-token-that-is-not-the-one-of-it`)
    await page.locator('#status.bad', { hasText: 'does not know this page' }).waitFor()
    await context.close()
  })

  it('is dark where the user likes that, with text that can be read, and fits 400 px', async () => {
    const grounds = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const) {
      const { context, page } = await openPage(api.origin, { colorScheme, viewport: { width: 400, height: 800 } })
      await api.call('/write', api.issuer.mintToken({ scope: 'read' }))
      await row(page, '/write').click()
      await page.locator('#details .verdict').waitFor()
      const measured = await page.evaluate(() => {
        const luminance = (color: string) => {
          const parts =
            color
              .match(/\d+/g)
              ?.slice(0, 3)
              .map((part) => Number(part) / 255) ?? []
          const [r = 0, g = 0, b = 0] = parts.map((part) =>
            part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
          )
          return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const ground = getComputedStyle(document.body).backgroundColor
        const contrast = (selector: string) => {
          const element = document.querySelector(selector)
          const colors = [luminance(getComputedStyle(element as Element).color), luminance(ground)].sort(
            (a, b) => b - a,
          )
          return ((colors[0] as number) + 0.05) / ((colors[1] as number) + 0.05)
        }
        return {
          ground,
          contrasts: ['body', '.quiet', '.verdict', '.step.failed', '#status', 'time'].map(contrast),
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        }
      })
      grounds.add(measured.ground)
      for (const contrast of measured.contrasts) expect(contrast).toBeGreaterThan(4.5)
      expect(measured.overflow).toBe(0)
      await context.close()
    }
    expect(grounds.size).toBe(2)
  })
})
