import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeBlocks, pages, root } from './markdown.js'

interface SiteFiles {
  diagramName(source: string): string
  readonly sections: readonly { readonly items: readonly { readonly link: string }[] }[]
}

const site = async (name: string): Promise<SiteFiles> => await import(join(root, 'docs/.vitepress', name))
const { diagramName } = await site('diagram-blocks.mjs')
const { sections } = await site('sections.mjs')

const ofDocs = pages().filter((page) => page.startsWith('docs/') && page !== 'docs/index.md')

describe('the site', () => {
  it('has every page of docs in its list, once', () => {
    const listed = sections.flatMap(({ items }) => items.map(({ link }) => `docs${link.replace(/\/$/, '/index')}.md`))
    expect(listed.sort()).toEqual([...ofDocs].sort())
  })

  it('has a picture in light and dark for every diagram, and no other', () => {
    const blocks = pages().flatMap(codeBlocks)
    const drawn = blocks.filter(({ language }) => language === 'mermaid').map(({ code }) => diagramName(code))
    expect(drawn.length).toBeGreaterThanOrEqual(8)
    const wanted = drawn.flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`])
    expect(readdirSync(join(root, 'docs/diagrams')).sort()).toEqual(wanted.sort())
  })

  it('has its own lock file, apart from that of the repository', () => {
    expect(existsSync(join(root, 'docs/.vitepress/package-lock.json'))).toBe(true)
  })
})
