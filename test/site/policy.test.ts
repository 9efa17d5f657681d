import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, startChromium } from '../support/chromium.js'
import type { LoopbackServer } from '../support/loopback-server.js'
import { openAwake } from './reading.js'
import { address, built, pagePaths, serveSite } from './served-site.js'

const htmlOf = (path: string) => readFileSync(join(built, `${path.replace(/\/$/, '/index')}.html`), 'utf8')
const every = [...pagePaths(), '/404']

describe('the policy of every page', () => {
  it('stands before all scripts and styles, and allows scripts of the site and its own alone', () => {
    const odd = every.filter((path) => {
      const html = htmlOf(path)
      const [before = '', policy = '', after = ''] = html.split(
        /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/,
      )
      const scripts = [...after.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
      const hashes = scripts.map(([, text = '']) => ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      const wanted = `script-src 'self'${hashes.join('')};`
      return /<(?:script|link|style)/.test(before) || !policy.includes(wanted) || !policy.includes("default-src 'none'")
    })
    expect(odd).toEqual([])
  })

  it('lets no page connect elsewhere, and the playground nowhere', () => {
    const connecting = every.filter((path) => !htmlOf(path).includes("connect-src 'self'\""))
    expect(connecting).toEqual(['/playground'])
    expect(htmlOf('/playground')).toContain("connect-src 'none'\"")
  })
})

describe.runIf(hasChromium('the policy of the pages'))('a page in Chromium', () => {
  let browser: Browser
  let site: LoopbackServer
  beforeAll(async () => {
    site = await serveSite()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  it('makes no script of text', async () => {
    const page = await browser.newPage()
    await openAwake(page, `${site.origin}/errors`)
    const breaches = await page.evaluate(async () => {
      const found: string[] = []
      const all = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
          if (found.push(blockedURI) === 3) resolve()
        })
      })
      const run = (text: string) => setTimeout(text)
      run('document.title = "broken in"')
      const script = Object.assign(document.createElement('script'), { textContent: 'document.title = "broken in"' })
      document.body.append(script, Object.assign(document.createElement('script'), { src: 'http://127.0.0.2/x.js' }))
      await all
      return found.sort()
    })
    expect(breaches).toEqual(['eval', 'http://127.0.0.2/x.js', 'inline'])
    expect(await page.title()).toBe('Errors | Portcullis')
    await page.close()
  })

  it.each(['/', '/getting-started', '/concepts/request', '/playground', '/api/'])(
    'works under it: %s, its colours and its search for a name with underscores',
    async (path) => {
      const page = await browser.newPage({ colorScheme: 'light' })
      const trouble: string[] = []
      page.on('pageerror', (error) => trouble.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') trouble.push(message.text())
      })
      await openAwake(page, site.origin + path)
      await page.locator('.VPNavBarAppearance button').click()
      expect(await page.locator('html').getAttribute('class')).toContain('dark')
      await page.keyboard.press('Control+k')
      await page.locator('#localsearch-input').fill('invalid_target')
      const first = page.locator('#localsearch-list .result').first()
      await first.waitFor()
      expect(await first.textContent()).toMatch(/target|exchange/i)
      expect(trouble).toEqual([])
      await page.close()
    },
  )
})

describe('the head of a page', () => {
  const described = every.filter((path) => path !== '/404').map((path) => [path, htmlOf(path)] as const)
  const description = /<meta name="description" content="([^"]+)">/

  it('says what this page is for, in no more than search engines show', () => {
    const texts = described.map(([path, html]) => [description.exec(html)?.[1] ?? '', path] as const)
    const short = texts.filter(([text]) => text.length < 20 || text.replaceAll(/&\w+;/g, '-').length > 160)
    expect(short).toEqual([])
    const shared = texts.filter(([text], index) => texts.findIndex(([other]) => other === text) !== index)
    expect(shared).toEqual([])
  })

  it('names the address of the page where the site has one, and else none', () => {
    const odd = described.filter(([path, html]) => {
      const names = [...html.matchAll(/<(?:meta property="og:url" content|link rel="canonical" href)="([^"]*)">/g)]
      const wanted = address === undefined ? [] : Array(2).fill(address + path.slice(1))
      return names.map(([, url]) => url).join() !== wanted.join()
    })
    expect(odd.map(([path]) => path)).toEqual([])
  })

  it('says the same by Open Graph', () => {
    const lacking = described.filter(([, html]) => {
      const [, text = '?'] = description.exec(html) ?? []
      return (
        !html.includes(`<meta property="og:description" content="${text}">`) || !html.includes('property="og:title"')
      )
    })
    expect(lacking.map(([path]) => path)).toEqual([])
  })
})

describe.runIf(hasChromium('the page for what is not there'))('a path that is not there', () => {
  it('answers 404, with a page that leads on and that no search engine keeps', async () => {
    const site = await serveSite()
    const browser = await startChromium()
    const page = await browser.newPage()
    const response = await page.goto(`${site.origin}/nowhere`)
    expect(response?.status()).toBe(404)
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    expect(await page.locator('meta[name=robots]').getAttribute('content')).toBe('noindex')
    await page.getByRole('link', { name: 'Home page' }).click()
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    expect(new URL(page.url()).pathname).toBe(new URL(`${site.origin}/`).pathname)
    await browser.close()
    await site.close()
  })
})
