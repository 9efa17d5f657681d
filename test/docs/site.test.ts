import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { slowdownOf } from '../site/slowdown.js'
import { codeBlocks, pages, read, root } from './markdown.js'

interface SiteFiles {
  describePage(markdown: string): string
  diagramName(source: string): string
  readonly sections: readonly { readonly items: readonly { readonly link: string }[] }[]
}

const site = async (name: string): Promise<SiteFiles> => await import(join(root, 'docs/.vitepress', name))
const { diagramName } = await site('diagram-blocks.mjs')
const { describePage } = await site('page-head.mjs')
const { sections } = await site('sections.mjs')

const ofDocs = pages().filter((page) => page.startsWith('docs/') && page !== 'docs/index.md')

describe('the site', () => {
  it('has every page of docs in its list, once', () => {
    const listed = sections.flatMap(({ items }) => items.map(({ link }) => `docs${link.replace(/\/$/, '/index')}.md`))
    expect(listed.sort()).toEqual([...ofDocs].sort())
  })

  it('describes every page by a text of its own, in no more than search engines show', () => {
    const described = ofDocs.map((page) => [page, describePage(read(page))] as const)
    const odd = described.filter(([, text]) => text.length < 30 || text.length > 160)
    expect(odd).toEqual([])
    const shared = described.filter(([, text], index) => described.findIndex(([, other]) => other === text) !== index)
    expect(shared).toEqual([])
  })

  it('describes a page that begins with code, and leaves out a link at the end', () => {
    expect(describePage('# Page\n\n`npm test` runs\n**all**. [More](more.md).\n\nNext.\n')).toBe('npm test runs all.')
    expect(describePage('# Page\n\n```js\ncode()\n```\n')).toBe('')
  })

  it('has a picture in light and dark for every diagram, and no other', () => {
    const blocks = pages().flatMap(codeBlocks)
    const drawn = blocks.filter(({ language }) => language === 'mermaid').map(({ code }) => diagramName(code))
    expect(drawn.length).toBeGreaterThanOrEqual(8)
    const wanted = drawn.flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`])
    expect(readdirSync(join(root, 'docs/diagrams')).sort()).toEqual(wanted.sort())
  })

  it('is measured for a phone that is calibrated as the calculator of Lighthouse says', () => {
    const indexes = [100, 150, 475, 800, 1050, 1300, 1533, 1766, 2000]
    expect(indexes.map(slowdownOf)).toEqual([1, 1, 1.5, 2, 2.5, 3, 4, 5, 6])
  })

  it('has its own lock file, apart from that of the repository', () => {
    expect(existsSync(join(root, 'docs/.vitepress/package-lock.json'))).toBe(true)
  })
})
