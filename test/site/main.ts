/**
 * Reads the built site as people do, in Chromium, and fails where they would: npm run site:check
 *
 * Thirty questions by search or by clicks, each link, axe in light and dark, a phone, the menus by keyboard, what a page
 * costs to load, and Lighthouse. `npm run site:check -- axe phone` runs the parts that it names. The scores of Lighthouse depend
 * on what else the machine does; the other parts do not.
 */
import type { Browser } from 'playwright-core'
import { startChromium } from '../support/chromium.js'
import { freePort } from '../support/loopback-server.js'
import { brokenLinks, missingFiles } from './links.js'
import { ask, readQuestions } from './questions.js'
import { axeProblems, menuProblems, widePages } from './reading.js'
import { pagePaths, serveSite } from './served-site.js'
import { tooHeavy, weigh } from './weight.js'

/** One of each kind: home, tabs, a guide, a picture drawn of a diagram, a long reference, a table of options, the API. */
const kinds = [
  '/',
  '/getting-started',
  '/mcp',
  '/concepts/request',
  '/providers/keycloak',
  '/troubleshooting',
  '/errors',
  '/options',
  '/comparison',
  '/questions',
  '/api/',
  '/api/adapters/express',
]

/** The first page, one with much code, and the longest that errors lead to. */
const measured = ['/', '/getting-started', '/errors']

let failures = 0

function report(what: string, problems: readonly string[], startedMs: number): void {
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${what} (${took})`)
  for (const problem of problems) console.log(`        ${problem}`)
  if (problems.length > 0) failures += 1
}

async function checkQuestions(browser: Browser, origin: string): Promise<void> {
  const startedMs = performance.now()
  const questions = readQuestions()
  const problems = questions.length >= 30 ? [] : [`there are ${questions.length} questions`]
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(60_000)
  for (const question of questions) {
    const problem = await ask(page, origin, question)
    if (problem !== undefined) problems.push(`${question.text} ${question.answer}: ${problem}`)
  }
  await page.close()
  report(`${questions.length} questions, each by two clicks or one search`, problems, startedMs)
}

async function checkAxe(browser: Browser, origin: string): Promise<void> {
  for (const path of kinds) {
    const startedMs = performance.now()
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      const problems = await axeProblems(browser, origin + path, scheme)
      found.push(...problems.map((problem) => `${scheme}: ${problem}`))
    }
    report(`axe on ${path}, light and dark`, found, startedMs)
  }
}

function checkLinks(): void {
  const startedMs = performance.now()
  report(
    `the links of ${pagePaths().length} pages, and what they load`,
    [...brokenLinks(), ...missingFiles()],
    startedMs,
  )
}

async function checkPhone(browser: Browser, origin: string): Promise<void> {
  const startedMs = performance.now()
  const all = pagePaths().filter((path) => !path.startsWith('/api/'))
  const wide = await widePages(
    browser,
    all.map((path) => origin + path),
  )
  report(`${all.length} pages on a phone`, wide, startedMs)
}

async function checkKeyboard(browser: Browser, origin: string): Promise<void> {
  const startedMs = performance.now()
  report('the menus of a phone by keyboard', await menuProblems(browser, origin), startedMs)
}

async function checkWeight(browser: Browser, origin: string): Promise<void> {
  for (const path of measured) {
    const startedMs = performance.now()
    const weight = await weigh(browser, origin + path)
    report(`what ${path} costs: ${JSON.stringify(weight)}`, tooHeavy(weight), startedMs)
  }
}

async function checkLighthouse(origin: string, port: number): Promise<void> {
  const { measure, tooLow } = await import('./lighthouse.js')
  for (const path of measured) {
    const startedMs = performance.now()
    const { scores, benchmarkIndex, slowdown } = await measure(origin + path, port)
    const phone = `a phone ${slowdown} times slower than this machine, whose index is ${benchmarkIndex}`
    report(`Lighthouse of ${path}: ${JSON.stringify(scores)} on ${phone}`, tooLow(scores), startedMs)
  }
}

const site = await serveSite()
const port = await freePort()
const browser = await startChromium([], [`--remote-debugging-port=${port}`])
const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  questions: () => checkQuestions(browser, site.origin),
  links: checkLinks,
  axe: () => checkAxe(browser, site.origin),
  phone: () => checkPhone(browser, site.origin),
  keyboard: () => checkKeyboard(browser, site.origin),
  weight: () => checkWeight(browser, site.origin),
  lighthouse: () => checkLighthouse(site.origin, port),
}
const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(parts, name))
try {
  if (unknown.length > 0) throw new Error(`There is no part ${unknown}: ${Object.keys(parts).join(', ')}`)
  for (const [name, check] of Object.entries(parts)) {
    if (named.length === 0 || named.includes(name)) await check()
  }
} finally {
  await browser.close()
  await site.close()
}
process.exitCode = failures === 0 ? 0 : 1
