/*
 * The site: the pages of docs/ as they stand, the reference that `npm run docs:api` writes, and a search in the page itself.
 * `npm run site` builds it. It loads nothing from another server.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { defineConfig } from 'vitepress'
import { diagramName, wordsOf } from './diagram-blocks.mjs'
import { protectPlayground, webSources } from './playground.mjs'
import { sections } from './sections.mjs'

const repository = 'https://github.com/portcullis-auth/portcullis'
const docs = join(import.meta.dirname, '..')

/** The anchors that GitHub gives, so that a link leads to the same heading there and here. */
function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** Links to files outside docs/ lead to the repository. */
function linkRepository({ renderer: { rules } }) {
  const render = rules.link_open
  rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index]
    const target = token.attrGet('href') ?? ''
    const path = posix.join(posix.dirname(env.relativePath), target)
    if (target.startsWith('..') && path.startsWith('..')) {
      token.attrSet('href', `${repository}/blob/main/${path.slice('../'.length)}`)
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

/** Words as they stand, and names such as `invalid_token` whole as well. Runs in the page too: it uses nothing around it. */
function tokenize(text) {
  const words = text.split(/[\s\p{P}\p{S}]+/u)
  const names = text.match(/[\p{L}\p{N}]+(?:_[\p{L}\p{N}]+)+/gu) ?? []
  return [...words, ...names].filter((word) => word !== '')
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

export default defineConfig({
  title: 'Portcullis',
  description: 'The OAuth 2.0 gate for Node: verifies access tokens, signs users in, and says why a token was refused.',
  lang: 'en',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  cleanUrls: true,
  vite: { resolve: { alias: webSources } },
  appearance: true,
  /** The home page of the theme names no main part, which a screen reader jumps to. */
  transformHtml: (html, ...rest) =>
    (protectPlayground(html, ...rest) ?? html).replace(
      'class="VPContent is-home"',
      'role="main" class="VPContent is-home"',
    ),
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
        miniSearch: { options: { tokenize } },
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
    socialLinks: [{ icon: 'github', link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path`, text: 'Edit this page' },
    footer: { message: 'MIT licence' },
  },
})
