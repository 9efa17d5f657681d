/**
 * Takes the pictures of the documentation, each page once light and once dark, into docs/pictures: npm run pictures
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChromium } from '../support/chromium.js'
import { loginPage } from './login-pages.js'

/** The pages to take, as HTML, by the name of the picture. */
const pages: Readonly<Record<string, () => Promise<string>>> = {
  'login-providers': () => loginPage('/auth/login'),
  'login-logout': () => loginPage('/auth/logout'),
  'login-error': () => loginPage('/auth/callback/corporate'),
}

const folder = join(import.meta.dirname, '../../docs/pictures')
const viewport = { width: 480, height: 360 }
const maxBytes = 40_000

const browser = await startChromium()
for (const [name, html] of Object.entries(pages)) {
  const content = await html()
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport, colorScheme })
    await page.setContent(content)
    const picture = await page.screenshot()
    if (picture.length > maxBytes) throw new Error(`${name}-${colorScheme} has ${picture.length} bytes`)
    writeFileSync(join(folder, `${name}-${colorScheme}.png`), picture)
    await page.close()
  }
}
await browser.close()
