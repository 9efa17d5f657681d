import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const usualPlaces = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * Whether a Chromium can be started here; installs Debian's as root where it is missing. Where it cannot, says loudly
 * which tests did not run; on CI that is an error. `CHROMIUM` names a browser in another place.
 */
export function hasChromium(tests: string): boolean {
  if (chromiumPath() !== undefined || install()) return true
  const message = `No Chromium here, so these tests did NOT run: ${tests}. Install it, run them as root, or set CHROMIUM.`
  if (process.env['CI']) throw new Error(message)
  console.error(`\n!!! ${message}\n`)
  return false
}

function chromiumPath(): string | undefined {
  return process.env['CHROMIUM'] ?? usualPlaces.find((place) => existsSync(place))
}

function install(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('/usr/bin/apt-get', ['install', '-y', 'chromium'], { stdio: 'ignore', timeout: 300_000 })
  } catch {}
  return chromiumPath() !== undefined
}

/**
 * Starts a headless Chromium. Close it in `afterAll`. A browser context is the browser of one person: make a new one
 * for each test.
 *
 * @param hosts Names the browser resolves to 127.0.0.1, such as `app.test`.
 * @param further Arguments of Chromium besides.
 */
export async function startChromium(hosts: readonly string[] = [], further: readonly string[] = []): Promise<Browser> {
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')
  const executablePath = chromiumPath()
  return await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      ...(rules === '' ? [] : [`--host-resolver-rules=${rules}`]),
      ...further,
    ],
  })
}
