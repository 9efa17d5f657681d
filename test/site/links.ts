import { readFileSync } from 'node:fs'
import { base, fileOf, pagePaths } from './served-site.js'

/** The links and the anchors of a page, and the pictures, scripts and styles it loads. */
interface Page {
  readonly hrefs: readonly string[]
  readonly files: readonly string[]
  readonly ids: ReadonlySet<string>
}

function readPage(path: string): Page {
  const html = readFileSync(fileOf(base + path.slice(1)) ?? '', 'utf8')
  const all = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, value = '']) => value.replaceAll('&amp;', '&'))
  const links = (pattern: RegExp) => [...new Set(all(pattern))]
  return {
    hrefs: links(/<a\b[^>]*?\shref="([^"]*)"/g),
    files: links(/<(?:img|source|script|link)\b[^>]*?\s(?:src|srcset|href)="([^"]*)"/g),
    ids: new Set(all(/\sid="([^"]*)"/g)),
  }
}

const host = 'http://site.invalid'

/** The pictures, scripts and styles that pages ask the site for, and that are not there. */
export function missingFiles(): string[] {
  return pagePaths().flatMap((path) =>
    readPage(path).files.flatMap((file) => {
      const { origin, pathname } = new URL(file, host + base + path.slice(1))
      return origin !== host || fileOf(pathname) !== undefined ? [] : [`${path} loads ${file}: no such file`]
    }),
  )
}

/** The links that lead nowhere on the built site: menus, text and reference, each with its anchor. */
export function brokenLinks(): string[] {
  const pages = new Map(pagePaths().map((path) => [fileOf(base + path.slice(1)), { path, ...readPage(path) }]))
  return [...pages.values()].flatMap(({ path, hrefs }) =>
    hrefs.flatMap((href) => {
      const { origin, pathname, hash } = new URL(href, host + base + path.slice(1))
      if (origin !== host) return []
      const file = fileOf(pathname)
      if (file === undefined) return [`${path} links to ${href}: no such page`]
      const anchor = decodeURIComponent(hash.slice(1))
      const isThere = anchor === '' || !pages.has(file) || pages.get(file)?.ids.has(anchor)
      return isThere ? [] : [`${path} links to ${href}: no such anchor`]
    }),
  )
}
