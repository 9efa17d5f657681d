/*
 * The site: the pages of docs/ as they stand, the reference that `npm run docs:api` writes, and a search in the page itself.
 * `npm run site` builds it. It loads nothing from another server.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { defineConfig } from 'vitepress'
import { diagramName, wordsOf } from './diagram-blocks.mjs'
import { describe, headOf, protect } from './page-head.mjs'
import { webSources } from './playground.mjs'
import { sections } from './sections.mjs'
import { tokenize } from './theme/search.mjs'

const repository = 'https://github.com/portcullis-auth/portcullis'
const gitHubMark = readFileSync(join(import.meta.dirname, 'github.svg'), 'utf8')
const docs = join(import.meta.dirname, '..')
/** Where the site is published, such as `https://example.com/docs/`. Without it, it works at the root of any host. */
const address = process.env.SITE_URL ? process.env.SITE_URL.replace(/\/*$/, '/') : undefined

/** The anchors that GitHub gives, so that a link leads to the same heading there and here. */
function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** Links to files outside docs/, and to files that are no pages, lead to the repository. */
function linkRepository({ renderer: { rules } }) {
  const render = rules.link_open
  rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index]
    const target = token.attrGet('href') ?? ''
    const path = posix.join(posix.dirname(env.relativePath), target)
    if (target.startsWith('..') && path.startsWith('..')) {
      token.attrSet('href', `${repository}/blob/main/${path.slice('../'.length)}`)
    } else if (/^[^:]+\.json$/.test(target)) {
      token.attrSet('href', `${repository}/blob/main/docs/${path}`)
    }
    return render(tokens, index, options, env, self)
  }
}

/** Mermaid blocks become the pictures that `npm run site -- --draw` made of them. */
function showDiagrams({ renderer: { rules }, utils }) {
  const render = rules.fence
  rules.fence = (tokens, index, options, env, self) => {
    const { info, content } = tokens[index]
    if (info.trim() !== 'mermaid') return render(tokens, index, options, env, self)
    const up = '../'.repeat(env.relativePath.split('/').length - 1) || './'
    const picture = (look, alt) =>
      `<img class="diagram ${look}" src="${up}diagrams/${diagramName(content)}-${look}.svg" alt="${utils.escapeHtml(alt)}">`
    return `<p>${picture('light', wordsOf(content))}${picture('dark', wordsOf(content))}</p>`
  }
}

/** One entry a module of the reference. */
function reference() {
  const folder = join(docs, 'api')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && file !== 'index.md')
    .map((file) => file.replace(/\.md$/, ''))
    .sort()
    .map((path) => ({ text: path.replace(/\/index$/, ''), link: `/api/${path.replace(/index$/, '')}` }))
}

/** Long lists that have a hit for every word, and would stand before the page that explains it. */
const unsearched = /^(?:api\/|conformance|features|questions)/

/** What parts of the theme import, and the file of this site that they get instead. */
const replaced = [
  { of: 'VPLocalSearchBox.vue', name: 'minisearch', by: 'theme/search.mjs' },
  { of: 'VPDocAsideOutline.vue', name: './VPDocOutlineItem.vue', by: 'theme/WideOutline.vue' },
  { of: 'VPSidebar.vue', name: './VPSidebarGroup.vue', by: 'theme/SidebarLinks.vue' },
]
const ownParts = {
  name: 'own-parts',
  enforce: 'pre',
  resolveId(name, importer = '') {
    const found = replaced.find((one) => one.name === name && importer.split('?')[0].endsWith(`/${one.of}`))
    return found && join(import.meta.dirname, found.by)
  },
}

export default defineConfig({
  title: 'Portcullis',
  description: 'The OAuth 2.0 gate for Node: verifies access tokens, signs users in, and says why a token was refused.',
  lang: 'en',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  cleanUrls: true,
  /** Where everything about the site stands, which every page needs: loaded once, and no script in the page. */
  metaChunk: true,
  base: address === undefined ? '/' : new URL(address).pathname,
  ...(address !== undefined && { sitemap: { hostname: address } }),
  vite: {
    // Of the styles of DocSearch the search box that works in the page needs those of the button.
    resolve: { alias: { ...webSources, '@docsearch/css': '@docsearch/css/dist/button.css' } },
    plugins: [ownParts],
  },
  // With it every page is styled three times when its script begins.
  appearance: { disableTransition: false },
  transformPageData: describe,
  transformHead: (page) => headOf(page, address),
  /**
   * The home page of the theme names no main part, which a screen reader jumps to. The icons are in no file of their own:
   * the one there is stands below.
   */
  transformHtml: (html, _file, { page }) =>
    protect(html, page)
      .replace('class="VPContent is-home"', 'role="main" class="VPContent is-home"')
      .replace(/ *<link rel="preload stylesheet" href="[^"]*vp-icons\.css" as="style">\n/, ''),
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify },
    toc: { slugify },
    config(markdown) {
      linkRepository(markdown)
      showDiagrams(markdown)
    },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        // Not to be listed: VitePress would write the function into each page.
        miniSearch: Object.defineProperty({}, 'options', { value: { tokenize } }),
        _render: (text, env, markdown) => (unsearched.test(env.relativePath) ? '' : markdown.render(text, env)),
      },
    },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/getting-started' },
      { text: 'Questions', link: '/questions' },
      { text: 'Providers', link: '/providers/' },
      { text: 'Errors', link: '/errors' },
      { text: 'Options', link: '/options' },
    ],
    sidebar: {
      ...Object.fromEntries(sections.flatMap((section) => (section.folder ? [[section.folder, [section]]] : []))),
      '/api/': [{ text: 'API reference', link: '/api/', items: reference() }],
      '/': [
        ...sections.map(({ text, folder, items }) => ({ text, items: folder ? items.slice(0, 1) : items })),
        { text: 'API', items: [{ text: 'API reference', link: '/api/' }] },
      ],
    },
    socialLinks: [{ icon: { svg: gitHubMark }, ariaLabel: 'GitHub', link: repository }],
    notFound: {
      title: 'There is no such page',
      quote: 'It was moved or renamed. Search for it above, or begin at the home page.',
      linkText: 'Home page',
      linkLabel: 'Home page',
    },
    editLink: { pattern: `${repository}/edit/main/docs/:path`, text: 'Edit this page' },
    footer: { message: 'MIT licence' },
  },
})
