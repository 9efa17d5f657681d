import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import type { Browser, Page, Request } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { hasChromium } from '../support/chromium.js'
import { settled, setUpStage } from './playground-in-chromium.js'
import { base, built } from './served-site.js'

/** What axe finds below the bar at the top, which all pages have. */
async function findings(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ exclude: ['.VPNav'] }),
  )
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** The bytes of scripts that a page loads, compressed. `shown` is what a page has that is complete. */
async function scriptBytes(browser: Browser, url: string, shown: string): Promise<number> {
  const page = await (await browser.newContext()).newPage()
  const requests: Request[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('.js')) requests.push(request)
  })
  await page.goto(url)
  await page.locator(shown).first().waitFor()
  await page.waitForLoadState('networkidle')
  // What the browser fetches ahead for the pages that this one links to comes when it has time.
  const headers = await Promise.all(requests.map((request) => request.allHeaders()))
  const scripts = requests.filter((_, at) => headers[at]?.['sec-purpose'] === undefined)
  const files = new Set(scripts.map((request) => new URL(request.url()).pathname.slice(base.length)))
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(built, file))).length, 0)
}

describe.runIf(hasChromium('reading the playground'))('the playground', () => {
  const { start, origin } = setUpStage()

  it.each(['light', 'dark'] as const)('has no obstacle that axe knows, %s', async (colorScheme) => {
    const { page, makeMistake, fill } = await start({ colorScheme, reducedMotion: 'reduce' })
    await page.getByText('Other claims in the token').click()
    await page.evaluate(axe.source)
    expect(await findings(page)).toEqual([])
    await makeMistake('DPoP without a proof')
    await fill('Key set of the issuer', 'nothing')
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await findings(page)).toEqual([])
    await makeMistake('Nothing is wrong')
    expect(await findings(page)).toEqual([])
  })

  it('fits a phone, and is usable by keyboard alone', async () => {
    const { page, field, text } = await start({ viewport: { width: 390, height: 844 } })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await field('Provider').focus()
    const reached: string[] = []
    while (reached.at(-1) !== 'Copy the code' && reached.length < 90) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim().slice(0, 40) ?? ''))
      if (reached.at(-1) === 'Nothing is wrong') {
        await page.keyboard.press('Enter')
        await settled(page)
      }
    }
    expect(reached).toEqual(expect.arrayContaining(['Nothing is wrong', 'Other claims in the token', 'Copy the code']))
    expect(await text('.verdict')).toBe('Let through')
  })

  it('is carried by its own page alone', async () => {
    const { page } = await start()
    const browser = page.context().browser() as Browser
    const home = await scriptBytes(browser, `${origin()}/`, '.VPHero')
    const own = await scriptBytes(browser, `${origin()}/playground`, '.verdict')
    const playground = own - home
    console.log(`scripts, compressed: home ${home} bytes, the playground ${playground} bytes more`)
    expect(playground).toBeGreaterThan(40_000)
    expect(playground).toBeLessThan(110_000)
  })
})
