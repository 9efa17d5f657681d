import { describe, expect, it } from 'vitest'
import { pages, read } from './markdown.js'

/** Pages to look things up in: lists that grow with the product. */
const reference: ReadonlySet<string> = new Set([
  'docs/command-reference.md',
  'docs/conformance.md',
  'docs/errors.md',
  'docs/features.md',
  'docs/limits.md',
  'docs/options.md',
])

/** All but those that are something else than text: the home page, and the tables that `npm run bench` writes. */
const written = pages().filter(
  (page) => /^docs\/(?!performance\/)/.test(page) && !read(page).startsWith('---\nlayout: '),
)

/** What stands between the title and the first blank line. */
function firstParagraph(page: string): string {
  return /^# .+\n\n((?:.+\n)+)/.exec(read(page))?.[1] ?? ''
}

describe('the form of pages', () => {
  it('keeps README.md on one screen: 60 lines at most', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  })

  it.each(written.filter((page) => !reference.has(page)))('%s has 1,500 words at most, code included', (page) => {
    const words = read(page)
      .split(/\s+/)
      .filter((word) => /[\p{L}\p{N}]/u.test(word))
    expect(words.length).toBeLessThanOrEqual(1500)
  })

  it.each(written)('%s begins with a sentence on what it is for', (page) => {
    const [sentence = ''] = firstParagraph(page).split(/(?<=[.:?])\s/)
    expect(sentence).toMatch(/^(Every|For|How|What|When|Where|Which|Why) /)
    expect(sentence.split(/\s+/).length).toBeLessThanOrEqual(40)
  })

  it('has no page whose first sentence is that of another', () => {
    const all = written.map((page) => firstParagraph(page).split(/(?<=[.:?])\s/)[0])
    expect(new Set(all).size).toBe(all.length)
  })
})
