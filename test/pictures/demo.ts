import type { Browser } from 'playwright-core'
import { serveDemo } from '../../examples/demo/serve.js'

/** The web application of the demo, after a login: what the API answered. */
export async function demoPage(browser: Browser, colorScheme: 'light' | 'dark'): Promise<Buffer> {
  const demo = await serveDemo()
  const page = await browser.newPage({ viewport: { width: 720, height: 420 }, colorScheme })
  await page.goto(demo.url)
  await page.getByRole('link', { name: 'A protected page' }).click()
  await page.getByRole('button', { name: 'Sign in as alice' }).click()
  await page.getByRole('link', { name: 'A call to the API' }).click()
  await page.getByText('"events"').waitFor()
  const picture = await page.screenshot()
  await page.close()
  await demo.close()
  return picture
}
