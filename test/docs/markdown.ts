import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The top folder of the repository. */
export const root = resolve(import.meta.dirname, '../..')

/** A fenced block of a page. `line` is that of its opening fence, `label` what stands on its tab. */
export interface CodeBlock {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly label: string
  readonly code: string
}

/** The pages people read: those at the top, and all of docs/ and examples/ but the generated reference. */
export function pages(): readonly string[] {
  const folders = ['concepts', 'migration', 'performance', 'proof', 'providers'].map((name) => `docs/${name}`)
  return ['.', 'docs', ...folders, 'examples'].flatMap(markdownIn)
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

export function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** The fenced blocks of a page. Throws at a fence that is never closed. */
export function codeBlocks(page: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { line: number; language: string; label: string; lines: string[] } | undefined
  for (const [index, text] of read(page).split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(text)
    if (fence === null) open?.lines.push(text)
    else if (open === undefined) {
      const [, language = '', label = ''] = /^([^[]*)(?:\[(.*)\])?$/.exec((fence[1] as string).trim()) ?? []
      open = { line: index + 1, language: language.trim(), label, lines: [] }
    } else {
      const { line, language, label, lines } = open
      blocks.push({ page, line, language, label, code: `${lines.join('\n')}\n` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: the block is never closed`)
  return blocks
}

function withoutCode(page: string): string {
  return read(page)
    .replace(/^\s*```[\s\S]*?^\s*```/gm, '')
    .replace(/`[^`\n]*`/g, '')
}

/** Where the pages stand for who reads the README elsewhere, such as on the page of the registry. */
const published = 'https://github.com/portcullis-auth/portcullis/blob/main/'

/** The targets of all links and images of a page that point inside the repository. */
export function localLinks(page: string): readonly string[] {
  const targets = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) =>
    target.replace(published, ''),
  )
  return targets.filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
}

/** The anchors GitHub gives to the headings of a page, and those that it has of its own. */
export function anchors(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const slugs = new Set<string>()
  for (const [, heading] of read(page)
    .replace(/^\s*```[\s\S]*?^\s*```/gm, '')
    .matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = (heading as string)
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    slugs.add(times === 0 ? slug : `${slug}-${times}`)
  }
  for (const [, id = ''] of withoutCode(page).matchAll(/<a id="([a-z_]+)"><\/a>/g)) slugs.add(id)
  return slugs
}

/** Why a link of a page leads nowhere; `undefined` where it is good. */
export function brokenLink(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : relative(root, resolve(root, dirname(page), decodeURI(path)))
  if (!existsSync(join(root, file))) return `${target}: no such file`
  if (anchor === undefined) return undefined
  return file.endsWith('.md') && anchors(file).has(anchor) ? undefined : `${target}: no such heading`
}
