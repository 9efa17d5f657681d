/** What stands in the head of each page: what it is about, for search engines and previews of links, and its policy. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pagePolicy } from './theme/page-policy.ts'

/** As many characters as search engines show. */
const longest = 160

/** The first paragraph of a page, which says what it is for, as plain text, without a link that stands alone at its end. */
export function describePage(markdown) {
  const [, paragraph = ''] = /^# .+\n+((?:(?!```)[^\n#|<!:-][^\n]*\n?)+)/m.exec(markdown) ?? []
  const text = paragraph
    .replace(/(?<=[.!?] )\[[^\]]*\]\([^)]*\)\.\s*$/, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (text.length <= longest) return text
  const sentences = text.slice(0, longest + 1).match(/^.+[.!?](?= )/)?.[0]
  return sentences ?? `${text.slice(0, text.lastIndexOf(' ', longest - 1))}…`
}

/** Gives a page its own description, where it has a text of its own. */
export function describe(pageData, { siteConfig }) {
  if (pageData.isNotFound || pageData.frontmatter.layout === 'home') return undefined
  if (pageData.filePath.startsWith('api/')) {
    return { description: `${pageData.title}: each export with what it checks, its options, defaults and errors.` }
  }
  const description = describePage(readFileSync(`${siteConfig.srcDir}/${pageData.filePath}`, 'utf8'))
  return description === '' ? undefined : { description }
}

/** Tags by Open Graph, and the address of a page where it is known. */
export function headOf({ page, title, description, siteData }, address) {
  if (page === '404.md') return [['meta', { name: 'robots', content: 'noindex' }]]
  const property = (name, content) => ['meta', { property: `og:${name}`, content }]
  const tags = [
    property('type', 'website'),
    property('site_name', siteData.title),
    property('title', title),
    property('description', description),
  ]
  if (address === undefined) return tags
  const url = new URL(page.replace(/(?:(?<=^|\/)index)?\.md$/, ''), address).href
  return [...tags, property('url', url), ['link', { rel: 'canonical', href: url }]]
}

/** Writes the policy into a page, before anything that it is about. Only the playground may connect to nothing. */
export function protect(html, page) {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, text]) => text)
  const hashes = scripts.map((text) => createHash('sha256').update(text).digest('base64'))
  const meta = `<meta http-equiv="Content-Security-Policy" content="${pagePolicy(hashes, page !== 'playground.md')}">`
  return html.replace(/<meta charset="utf-8">/i, (charset) => `${charset}\n    ${meta}`)
}
