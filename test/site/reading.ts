import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}

/** What axe finds on a page, in one colour scheme. */
export async function axeProblems(browser: Browser, url: string, colorScheme: 'light' | 'dark'): Promise<string[]> {
  const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' })
  try {
    const page = await context.newPage()
    await page.goto(url)
    await page.evaluate(axe)
    const violations = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
      return (await axe.run()).violations
    })
    return violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target }) => `${id} at ${target.join(' ')}`))
  } finally {
    await context.close()
  }
}

/** The pages that are wider than a phone of 390 pixels. */
export async function widePages(browser: Browser, urls: readonly string[]): Promise<string[]> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
  try {
    const page = await context.newPage()
    const wide: string[] = []
    for (const url of urls) {
      await page.goto(url, { waitUntil: 'domcontentloaded' })
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      if (width > 390) wide.push(`${url} is ${width} pixels wide`)
    }
    return wide
  } finally {
    await context.close()
  }
}

/** Opens the menus of a phone by keyboard alone, and follows a link. */
export async function menuProblems(browser: Browser, origin: string): Promise<string[]> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  try {
    const page = await context.newPage()
    await openAwake(page, `${origin}/getting-started`)
    const closed = await throughClosedSidebar(page)
    await openAwake(page, `${origin}/getting-started`)
    const tops = await throughMenu(page, '.VPNavBarHamburger', '.VPNavScreen')
    await openAwake(page, `${origin}/getting-started`)
    const sides = await throughMenu(page, '.VPLocalNav .menu', '.VPSidebar.open')
    return [...closed, ...tops, ...sides]
  } finally {
    await context.close()
  }
}

/** A page that is shown but whose script has not begun does not hear keys. */
export async function openAwake(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await page.waitForFunction(() => '__vue_app__' in (document.querySelector('#app') ?? {}))
}

/** A closed sidebar is slid away: who goes on by Tab must not get lost in it. */
async function throughClosedSidebar(page: Page): Promise<string[]> {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab')
    const lost = await page.evaluate(() => document.activeElement?.closest('.VPSidebar:not(.open)') !== null)
    if (lost) return ['Tab leads to links of the sidebar while it is closed']
  }
  return []
}

async function throughMenu(page: Page, button: string, menu: string): Promise<string[]> {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab')
    if (!(await page.evaluate((selector) => document.activeElement?.matches(selector), button))) continue
    await page.keyboard.press('Enter')
    const link = page.locator(`${menu} a`).first()
    if (
      !(await link.waitFor().then(
        () => true,
        () => false,
      ))
    )
      return [`Enter on ${button} opens no menu`]
    await link.focus()
    await page.keyboard.press('Enter')
    return []
  }
  return [`${button} cannot be reached by Tab`]
}
