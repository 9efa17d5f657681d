import type { Page } from 'playwright-core'
import { read } from '../docs/markdown.js'
import { openAwake } from './reading.js'
import { base } from './served-site.js'

/** A question of a stranger, where its answer stands, and the words to search for. Without words it is found by clicks. */
export interface Question {
  readonly text: string
  /** Path and anchor on the site. */
  readonly answer: string
  readonly words: string
}

/** How many hits of a search a person looks at. */
const looksAt = 5

/** The rows of docs/questions.md. */
export function readQuestions(): readonly Question[] {
  const rows = read('docs/questions.md').matchAll(/^\| (.+\?) \| \[[^\]]+\]\(([^)]+)\) \| (.*) \|$/gm)
  return [...rows].map(([, text = '', target = '', way = '']) => ({
    text,
    answer: `/${target.replace(/(?:(?<=\/)index)?\.md/, '')}`,
    words: /`([^`]+)`/.exec(way)?.[1] ?? '',
  }))
}

/** Asks as a person does, from the home page; gives what went wrong. */
export async function ask(page: Page, origin: string, question: Question): Promise<string | undefined> {
  const { words } = question
  const answer = base + question.answer.slice(1)
  await openAwake(page, `${origin}/`)
  return words === '' ? await byClicks(page, answer) : await bySearch(page, answer, words)
}

async function bySearch(page: Page, answer: string, words: string): Promise<string | undefined> {
  // The box would begin with the hits of what was searched last.
  await page.evaluate(() => sessionStorage.clear())
  await page.locator('.VPNavBarSearch button').first().click()
  await page.locator('#localsearch-input').fill(words)
  const wanted = answer.includes('#') ? `[href$="${answer}"]` : `[href*="${answer}#"]`
  const hit = page.locator(`.VPLocalSearchBox .result${wanted}`).first()
  await hit.waitFor().catch(() => undefined)
  const hits = await page
    .locator('.VPLocalSearchBox .result')
    .evaluateAll((all) => all.map((a) => a.getAttribute('href')))
  const place = hits.findIndex((href) => href === answer || href?.split('#')[0] === answer)
  if (place < 0 || place >= looksAt) return `“${words}” gives ${hits.slice(0, looksAt).join(', ')}`
  await hit.click()
  return await arrived(page, answer)
}

/** Follows one link of the home page, or two. The page of questions leads to all answers, and is left out. */
async function byClicks(page: Page, answer: string): Promise<string | undefined> {
  const home = page.url()
  const first = await links(page)
  const direct = first.find((href) => href.endsWith(answer))
  if (direct !== undefined) return await follow(page, direct, answer)
  for (const href of first.filter((one) => one !== base && one !== `${base}questions`)) {
    await page.goto(new URL(href, home).href)
    const second = (await links(page)).find((one) => one.endsWith(answer))
    if (second === undefined) continue
    await page.goto(home)
    await page.locator(`a[href="${href}"]:visible`).first().click()
    await page.waitForURL((url) => url.pathname === new URL(href, home).pathname)
    return await follow(page, second, answer)
  }
  return 'no two links lead there'
}

async function links(page: Page): Promise<readonly string[]> {
  const all = await page
    .locator('a[href^="/"]:visible')
    .evaluateAll((some) => some.map((a) => a.getAttribute('href') ?? ''))
  return [...new Set(all)]
}

async function follow(page: Page, href: string, answer: string): Promise<string | undefined> {
  await page.locator(`a[href="${href}"]:visible`).first().click()
  return await arrived(page, answer)
}

/** Whether the browser is at the answer, and the heading that the link names is there to be read. */
async function arrived(page: Page, answer: string): Promise<string | undefined> {
  const [path = '', anchor] = answer.split('#')
  try {
    await page.waitForURL((url) => url.pathname === path && (anchor === undefined || url.hash === `#${anchor}`))
    await page
      .locator(anchor === undefined ? 'h1' : `[id="${anchor}"]`)
      .first()
      .waitFor({ state: 'attached' })
    return undefined
  } catch {
    return `ended at ${page.url()}`
  }
}
