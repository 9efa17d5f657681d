import type { Browser } from 'playwright-core'
import { serveSite } from '../site/served-site.js'

/** The playground of the built site, with a token whose audience is wrong. */
export async function playgroundPicture(browser: Browser, colorScheme: 'light' | 'dark'): Promise<Buffer> {
  const site = await serveSite()
  const page = await browser.newPage({ viewport: { width: 1120, height: 720 }, colorScheme })
  await page.goto(`${site.origin}/playground#mistake=audience`)
  const playground = page.locator('.playground[aria-busy="false"]')
  await playground.waitFor()
  await playground.evaluate((element) => {
    scrollTo(0, element.getBoundingClientRect().top - 80)
  })
  const picture = await page.screenshot()
  await page.close()
  await site.close()
  return picture
}
