/**
 * Takes the pictures of the documentation, each page once light and once dark, into docs/pictures: npm run pictures
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startChromium } from '../support/chromium.js'
import { developmentPage } from './development-page.js'
import { loginPage } from './login-pages.js'

/** A page in one colour scheme, and how many bytes its picture may have. */
interface Picture {
  readonly maxBytes: number
  take(browser: Browser, colorScheme: 'light' | 'dark'): Promise<Buffer>
}

const viewport = { width: 480, height: 360 }

function ofLogin(path: string): Picture {
  return {
    maxBytes: 40_000,
    async take(browser, colorScheme) {
      const page = await browser.newPage({ viewport, colorScheme })
      await page.setContent(await loginPage(path))
      const picture = await page.screenshot()
      await page.close()
      return picture
    },
  }
}

/** By the name of the picture. */
const pictures: Readonly<Record<string, Picture>> = {
  'development-page': { maxBytes: 200_000, take: developmentPage },
  'login-providers': ofLogin('/auth/login'),
  'login-logout': ofLogin('/auth/logout'),
  'login-error': ofLogin('/auth/callback/corporate'),
}

const folder = join(import.meta.dirname, '../../docs/pictures')

const browser = await startChromium()
for (const [name, { maxBytes, take }] of Object.entries(pictures)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const picture = await take(browser, colorScheme)
    if (picture.length > maxBytes) throw new Error(`${name}-${colorScheme} has ${picture.length} bytes`)
    writeFileSync(join(folder, `${name}-${colorScheme}.png`), picture)
  }
}
await browser.close()
