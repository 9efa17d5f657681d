/**
 * Writes the pictures of docs/development-page.md: `npx tsx test/support/picture-development-page.ts`, after `npm run build`.
 */
import { join } from 'node:path'
import { startChromium } from './chromium.js'
import { pageToken, startInspectedApi } from './inspected-api.js'

const folder = join(import.meta.dirname, '../../docs/pictures')
const api = await startInspectedApi({
  routes: { '/calendar': { scope: 'calendar:read' }, '/reports': { scope: 'reports:write' } },
})
const browser = await startChromium()
for (const colorScheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1120, height: 720 } })
  const page = await context.newPage()
  await page.goto(`${api.origin}/.portcullis/#${pageToken}`)
  await page.locator('#status.good').waitFor()
  const token = api.issuer.mintToken({ scope: 'calendar:read', email: 'ada@example.com' })
  await api.call('/calendar')
  await api.call('/calendar?week=47', token)
  await api.call('/calendar', api.issuer.mintToken({ scope: 'calendar:read', aud: 'https://other.example.com' }))
  await api.call('/reports', token)
  await page.locator('#rows button', { hasText: '/reports' }).first().click()
  await page.screenshot({ path: join(folder, `development-page-${colorScheme}.png`) })
  await context.close()
}
await browser.close()
await api.close()
