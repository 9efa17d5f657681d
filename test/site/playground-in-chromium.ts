import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { startChromium } from '../support/chromium.js'
import { serveSite } from './served-site.js'

/** The playground, open and ready. */
export interface OpenPlayground {
  readonly page: Page
  /** Dialogs, errors, and breaches of the policy. */
  readonly trouble: readonly string[]
  /** What was asked for over the network since it was ready. */
  readonly requests: readonly string[]
  /** A field by its label, with or without the hint behind it. */
  field(label: string): Locator
  fill(label: string, text: string): Promise<void>
  choose(label: string, value: string): Promise<void>
  makeMistake(label: string): Promise<void>
  /** Gives the page another fragment, as who edits the address does. */
  go(fragment: string): Promise<void>
  text(selector: string): Promise<string>
}

/** What the tests of a file share. */
export interface Stage {
  /** Of the site. */
  origin(): string
  /** Opens the playground and, once it is ready, cuts the network off. */
  start(options?: BrowserContextOptions & { readonly fragment?: string }): Promise<OpenPlayground>
}

/** Serves the site and starts a browser for the tests of a file. Each opened page ends with its test. */
export function setUpStage(): Stage {
  let browser: Browser
  let origin = ''
  let stop: () => Promise<void>
  beforeAll(async () => {
    const site = await serveSite()
    origin = site.origin
    stop = site.close
    browser = await startChromium()
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
  })
  afterAll(async () => {
    await browser?.close()
    await stop?.()
  })
  return {
    origin: () => origin,
    async start({ fragment = '', ...options } = {}) {
      const page = await (await browser.newContext(options)).newPage()
      return openPlayground(page, `${origin}/playground${fragment}`)
    },
  }
}

async function openPlayground(page: Page, url: string): Promise<OpenPlayground> {
  const trouble: string[] = []
  const requests: string[] = []
  page.on('dialog', (dialog) => {
    trouble.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => trouble.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text())
  })
  await page.goto(url)
  await settled(page)
  await page.waitForLoadState('networkidle')
  page.on('request', (request) => requests.push(request.url()))
  await page.context().setOffline(true)
  const act = async (action: Promise<unknown>) => {
    await action
    await settled(page)
  }
  const field = (label: string) => {
    const name = new RegExp(`^${label.replace(/[()]/g, '\\$&')}(?:$| \\()`)
    return page.getByRole('textbox', { name }).or(page.getByRole('combobox', { name }))
  }
  return {
    page,
    trouble,
    requests,
    field,
    fill: (label, text) => act(field(label).fill(text)),
    choose: (label, value) => act(field(label).selectOption(value)),
    makeMistake: (label) => act(page.getByRole('button', { name: label, exact: true }).click()),
    go: (fragment) => act(page.evaluate(changeFragment, fragment)),
    text: async (selector) => (await page.locator(selector).allTextContents()).join('\n'),
  }
}

/** Runs in the page, until what listens for the change has begun. */
async function changeFragment(fragment: string): Promise<void> {
  const heard = new Promise((resolve) => addEventListener('hashchange', resolve, { once: true }))
  const before = location.hash
  location.replace(fragment)
  if (location.hash !== before) await heard
}

/** Waits until the last change was judged. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.playground[aria-busy="false"]').waitFor()
}
