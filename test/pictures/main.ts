/**
 * Takes the pictures of the documentation, each page once light and once dark, into docs/pictures:
 *
 *   npm run pictures                  all of them
 *   npm run pictures -- login-error   one
 *
 * That of the playground is taken of the site that `npm run site` built.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startChromium } from '../support/chromium.js'
import { dashboardPicture } from './dashboard/dashboard-picture.js'
import { demoPage } from './demo.js'
import { developmentPage } from './development-page.js'
import { loginPage } from './login-pages.js'
import { playgroundPicture } from './playground.js'

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
  demo: { maxBytes: 60_000, take: demoPage },
  'login-providers': ofLogin('/auth/login'),
  'login-logout': ofLogin('/auth/logout'),
  'login-error': ofLogin('/auth/callback/corporate'),
  playground: { maxBytes: 150_000, take: playgroundPicture },
  grafana: { maxBytes: 400_000, take: dashboardPicture },
}

const folder = join(import.meta.dirname, '../../docs/pictures')

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !Object.hasOwn(pictures, name))
if (unknown.length > 0) throw new Error(`There is no picture ${unknown}: ${Object.keys(pictures).join(', ')}`)

const browser = await startChromium()
for (const [name, { maxBytes, take }] of Object.entries(pictures)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  for (const colorScheme of ['light', 'dark'] as const) {
    const picture = await take(browser, colorScheme)
    if (picture.length > maxBytes) throw new Error(`${name}-${colorScheme} has ${picture.length} bytes`)
    writeFileSync(join(folder, `${name}-${colorScheme}.png`), picture)
  }
}
await browser.close()
