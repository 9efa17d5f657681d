import type { Browser } from 'playwright-core'
import { openAwake } from './reading.js'

/**
 * What a page may cost who opens it first, without what the browser fetches ahead for the pages it links to. Google calls a
 * shift below 0.1 good; how wide the fonts of a machine are moves it by parts of a thousandth.
 */
const limits = { kilobytes: 120, kilobytesOfScripts: 75, requests: 8, elements: 2200, shift: 0.005 }

type Weight = Readonly<Record<keyof typeof limits, number>>

/** What a page costs a phone that was never here: bytes as sent, compressed. None of it depends on how fast the machine is. */
export async function weigh(browser: Browser, url: string): Promise<Weight> {
  const context = await browser.newContext({ viewport: { width: 412, height: 823 }, isMobile: true })
  try {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const shifts = { total: 0 }
      Object.assign(window, { shifts })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.total += (entry as PerformanceEntry & { value: number }).value
      }).observe({ type: 'layout-shift', buffered: true })
    })
    const sent: Promise<readonly [type: string, bytes: number]>[] = []
    page.on('requestfinished', (request) => {
      if (request.headers()['sec-purpose'] !== undefined || request.url().startsWith('data:')) return
      sent.push(request.sizes().then(({ responseBodySize }) => [request.resourceType(), responseBodySize] as const))
    })
    await openAwake(page, url)
    await page.waitForLoadState('networkidle')
    const parts = await Promise.all(sent)
    const kilobytes = (some: typeof parts) => Math.ceil(some.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000)
    const { elements, shift } = await page.evaluate(() => ({
      elements: document.querySelectorAll('*').length,
      shift: (window as unknown as { shifts: { total: number } }).shifts.total,
    }))
    const scripts = parts.filter(([type]) => type === 'script')
    const sizes = { kilobytes: kilobytes(parts), kilobytesOfScripts: kilobytes(scripts), requests: parts.length }
    return { ...sizes, elements, shift: Math.round(shift * 1000) / 1000 }
  } finally {
    await context.close()
  }
}

export function tooHeavy(weight: Weight): string[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const measured = weight[name as keyof Weight]
    return measured > limit ? [`${name}: ${measured}, of ${limit} at most`] : []
  })
}
