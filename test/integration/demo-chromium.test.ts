import { expect, it } from 'vitest'
import { type ServedDemo, serveDemo } from '../../examples/demo/serve.js'
import { hasChromium, startChromium } from '../support/chromium.js'

it.runIf(hasChromium('the demo for a browser'))(
  'the demo has a person click through login, a protected page, the API, step-up and logout',
  async () => {
    const demo: ServedDemo = await serveDemo()
    const browser = await startChromium()
    try {
      const page = await browser.newPage()
      page.setDefaultTimeout(30_000)
      const click = (name: string) => page.getByRole('link', { name }).click()
      const signIn = async (path: string) => {
        await page.getByRole('button', { name: 'Sign in as alice' }).click()
        await page.waitForURL(demo.url + path)
      }
      const said = (selector: string) => page.locator(selector).first().textContent()

      await page.goto(demo.url)
      expect(await said('h1')).toBe('Welcome, stranger')
      await click('A protected page')
      await signIn('/profile')
      expect(await said('pre')).toContain('"subject": "alice"')

      await click('A call to the API')
      await page.waitForURL(`${demo.url}/agenda`)
      await page.getByText('"events"').waitFor()
      expect(JSON.parse((await said('pre')) as string)).toEqual({
        status: 200,
        answer: { events: [], of: 'alice', act: { sub: 'gateway' } },
      })

      const inspected = await browser.newPage()
      await inspected.goto(demo.developmentPage)
      await inspected.getByRole('button', { name: 'accepted GET /api/agenda' }).first().waitFor()
      await inspected.close()

      await click('A call that needs a second factor')
      await signIn('/keys')
      expect(await said('pre')).toBe('{"status":200,"answer":{"keys":[]}}')
      expect(await page.evaluate(() => document.cookie)).toBe('')

      await click('Sign out')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('button', { name: 'Yes' }).click()
      await page.waitForURL(`${demo.url}/**`)
      expect(await said('h1')).toBe('Welcome, stranger')
    } finally {
      await Promise.all([browser.close(), demo.close()])
    }
  },
  120_000,
)
