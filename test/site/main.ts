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

interface Reading {
  readonly what: string
  readonly problems: readonly string[]
}

let failures = 0

/** Reads once, and on CI a second time where that found something: a browser beside other work is left to chance, a fault is not. */
async function report(read: () => Reading | Promise<Reading>): Promise<void> {
  const startedMs = performance.now()
  let { what, problems } = await orItsError(read)
  if (problems.length > 0 && process.env['CI'] !== undefined) {
    const first = problems
    ;({ what, problems } = await orItsError(read))
    if (problems.length === 0) console.log(`passed at the second try: ${what}, after ${first.join('; ')}`)
  }
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${what} (${took})`)
  for (const problem of problems) console.log(`        ${problem}`)
  if (problems.length > 0) failures += 1
}

async function orItsError(read: () => Reading | Promise<Reading>): Promise<Reading> {
  try {
    return await read()
  } catch (error) {
    return { what: `a part that ended with an error: ${read}`, problems: [String(error)] }
  }
}

async function readAnswers(browser: Browser, origin: string): Promise<Reading> {
  const questions = readQuestions()
  const problems = questions.length >= 30 ? [] : [`there are ${questions.length} questions`]
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(60_000)
  for (const question of questions) {
    const problem = await ask(page, origin, question)
    if (problem !== undefined) problems.push(`${question.text} ${question.answer}: ${problem}`)
  }
  await page.close()
  return { what: `${questions.length} questions, each by two clicks or one search`, problems }
}

async function readByAxe(browser: Browser, origin: string, path: string): Promise<Reading> {
  const problems: string[] = []
  for (const scheme of ['light', 'dark'] as const) {
    const found = await axeProblems(browser, origin + path, scheme)
    problems.push(...found.map((problem) => `${scheme}: ${problem}`))
  }
  return { what: `axe on ${path}, light and dark`, problems }
}

function readLinks(): Reading {
  const problems = [...brokenLinks(), ...missingFiles()]
  return { what: `the links of ${pagePaths().length} pages, and what they load`, problems }
}

async function readOnPhone(browser: Browser, origin: string): Promise<Reading> {
  const urls = pagePaths().flatMap((path) => (path.startsWith('/api/') ? [] : [origin + path]))
  return { what: `${urls.length} pages on a phone`, problems: await widePages(browser, urls) }
}

async function readByKeyboard(browser: Browser, origin: string): Promise<Reading> {
  return { what: 'the menus of a phone by keyboard', problems: await menuProblems(browser, origin) }
}

async function readWeight(browser: Browser, origin: string, path: string): Promise<Reading> {
  const weight = await weigh(browser, origin + path)
  return { what: `what ${path} costs: ${JSON.stringify(weight)}`, problems: tooHeavy(weight) }
}

async function readScores(origin: string, port: number, path: string): Promise<Reading> {
  const { measure, tooLow } = await import('./lighthouse.js')
  const { scores, benchmarkIndex, slowdown } = await measure(origin + path, port)
  const phone = `a phone ${slowdown} times slower than this machine, whose index is ${benchmarkIndex}`
  return { what: `Lighthouse of ${path}: ${JSON.stringify(scores)} on ${phone}`, problems: tooLow(scores) }
}

const site = await serveSite()
const port = await freePort()
const browser = await startChromium([], [`--remote-debugging-port=${port}`])
const parts: Readonly<Record<string, readonly (() => Reading | Promise<Reading>)[]>> = {
  questions: [() => readAnswers(browser, site.origin)],
  links: [readLinks],
  axe: kinds.map((path) => () => readByAxe(browser, site.origin, path)),
  phone: [() => readOnPhone(browser, site.origin)],
  keyboard: [() => readByKeyboard(browser, site.origin)],
  weight: measured.map((path) => () => readWeight(browser, site.origin, path)),
  lighthouse: measured.map((path) => () => readScores(site.origin, port, path)),
}
const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(parts, name))
try {
  if (unknown.length > 0) throw new Error(`There is no part ${unknown}: ${Object.keys(parts).join(', ')}`)
  for (const [name, readings] of Object.entries(parts)) {
    if (named.length > 0 && !named.includes(name)) continue
    for (const read of readings) await report(read)
  }
} finally {
  await browser.close()
  await site.close()
}
process.exitCode = failures === 0 ? 0 : 1
