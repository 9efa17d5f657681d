import type { Browser } from 'playwright-core'
import { startInspectedApi } from '../support/inspected-api.js'
import { openInspector } from '../support/inspector-in-chromium.js'

/** The development page over an API with four requests, one of them refused and open. */
export async function developmentPage(browser: Browser, colorScheme: 'light' | 'dark'): Promise<Buffer> {
  const api = await startInspectedApi({
    routes: { '/calendar': { scope: 'calendar:read' }, '/reports': { scope: 'reports:write' } },
  })
  const { context, page } = await openInspector(browser, api.origin, {
    colorScheme,
    viewport: { width: 1120, height: 720 },
  })
  const token = api.issuer.mintToken({ scope: 'calendar:read', email: 'ada@example.com' })
  await api.call('/calendar')
  await api.call('/calendar?week=47', token)
  await api.call('/calendar', api.issuer.mintToken({ scope: 'calendar:read', aud: 'https://other.example.com' }))
  await api.call('/reports', token)
  await page.locator('#rows button', { hasText: '/reports' }).first().click()
  const picture = await page.screenshot()
  await context.close()
  await api.close()
  return picture
}
