import { describe, expect, it } from 'vitest'
import { pages, read } from './markdown.js'

/** Habits that make a reader stop. "There is no …" and "is no longer" are plain. */
const habits: readonly RegExp[] = [
  /\black(s|ed|ing)?\b/i,
  /\bnobody\b/i,
  /\bdearer\b/i,
  /\b(?!there\b)\w+ is no (?!longer\b)/i,
  /\bevery passing one\b/i,
  /\ball the same\b/i,
  /\bheld against\b/i,
  /\bin so many words\b/i,
  /\bneither `[^`]+` nor the other way round/,
]

/** What the page says itself: without code, and without texts of the product, which stand in “…”. */
function sentences(page: string): string {
  return read(page)
    .replace(/^\s*```[\s\S]*?^\s*```/gm, '')
    .replace(/“[^”]*”/g, '')
}

/** Generated, or a list of what others have. */
const apart: ReadonlySet<string> = new Set(['docs/performance.md', 'docs/features.md'])

describe('plain English', () => {
  it.each(pages().filter((page) => !apart.has(page) && !page.startsWith('docs/performance/')))('in %s', (page) => {
    const text = sentences(page)
    expect(habits.flatMap((habit) => habit.exec(text)?.[0] ?? [])).toEqual([])
  })
})
