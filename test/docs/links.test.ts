import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, brokenLink, localLinks, pages } from './markdown.js'

describe('links between pages', () => {
  it.each(pages())('of %s lead to a file and, where they name one, to a heading', (page) => {
    const broken = localLinks(page).map((target) => brokenLink(page, target))
    expect(broken.filter((reason) => reason !== undefined)).toEqual([])
  })
})

/** The pages that a page links to. */
function next(page: string): readonly string[] {
  return localLinks(page).map((target) => join(dirname(page), target.split('#')[0] || basename(page)))
}

describe('the home page', () => {
  it('leads to every page of docs by two links', () => {
    const first = next('docs/index.md')
    const reached = new Set([...first, ...first.filter((page) => page.endsWith('.md')).flatMap(next)])
    const missing = pages().filter((page) => page.startsWith('docs/') && !reached.has(page))
    expect(missing.filter((page) => page !== 'docs/index.md')).toEqual([])
  })
})

describe('the link checker', () => {
  it('finds the links and headings of the first page, and sees broken ones', () => {
    expect(localLinks('README.md').length).toBeGreaterThan(5)
    expect(anchors('docs/errors.md')).toContain('err_token_expired')
    expect(brokenLink('README.md', 'docs/errors.md#err_token_expired')).toBeUndefined()
    expect(brokenLink('README.md', 'docs/nowhere.md')).toBe('docs/nowhere.md: no such file')
    expect(brokenLink('README.md', 'docs/errors.md#nowhere')).toBe('docs/errors.md#nowhere: no such heading')
    expect(brokenLink('docs/errors.md', '#nowhere')).toBe('#nowhere: no such heading')
  })
})
