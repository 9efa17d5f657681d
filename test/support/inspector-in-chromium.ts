import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { pageToken } from './inspected-api.js'

/** What a sender may write where it likes, in the hope that somebody shows it as markup, or on a terminal. */
export const hostilePayloads: readonly string[] = [
  '<script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '"><img src=x onerror=alert(1)>',
  "'><img src=x onerror=alert(1)>",
  '" onmouseover="alert(1)',
  "' onfocus='alert(1)' autofocus='",
  '<iframe srcdoc="<script>alert(1)</script>">',
  '<iframe src="javascript:alert(1)">',
  '<a href="javascript:alert(1)">x</a>',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '<body onload=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)>',
  '<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>',
  '<style>@import "https://evil.test/x.css"</style>',
  '<link rel=stylesheet href=https://evil.test/x.css>',
  '<meta http-equiv=refresh content="0;url=https://evil.test/">',
  '<base href=https://evil.test/>',
  '<form action=https://evil.test/><button>x</button></form>',
  '<object data="data:text/html,<script>alert(1)</script>">',
  '<embed src="data:text/html,<script>alert(1)</script>">',
  '<template><script>alert(1)</script></template>',
  '<!--><script>alert(1)</script>-->',
  '<![CDATA[<script>alert(1)</script>]]>',
  '\u0024{alert(1)}',
  '{{constructor.constructor("alert(1)")()}}',
  '`);alert(1);//',
  "');alert(1);//",
  '";alert(1);//',
  '\u2028alert(1)//',
  '\u0000<script>alert(1)</script>',
  '\u202e<script>alert(1)</script>',
  '\ufeff<img src=x onerror=alert(1)>',
  '&lt;img src=x onerror=alert(1)&gt;',
  '__proto__',
  "$(touch /tmp/x)`id`'; rm -rf /;'",
]

/** A page that is open and live, and what went wrong in it: dialogs, errors, breaches of its policy. */
export interface OpenInspector {
  readonly context: BrowserContext
  readonly page: Page
  readonly trouble: readonly string[]
}

/** Opens the page of an application. `prepare` gets its context before anything is loaded. */
export async function openInspector(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
  prepare?: (context: BrowserContext) => Promise<unknown>,
): Promise<OpenInspector> {
  const context = await browser.newContext(options)
  await prepare?.(context)
  const page = await context.newPage()
  const trouble: string[] = []
  page.on('dialog', (dialog) => {
    trouble.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => trouble.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text())
  })
  await page.goto(`${origin}/.portcullis/#${pageToken}`)
  await page.locator('#status.good').waitFor()
  return { context, page, trouble }
}
