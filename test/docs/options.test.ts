import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

interface Option {
  readonly name: string
  readonly optional: boolean
  readonly comment: string
}

/** The members of the exported interfaces of a source file, by interface. */
function interfacesOf(path: string): Record<string, readonly Option[]> {
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true)
  const found: Record<string, readonly Option[]> = {}
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement)) continue
    found[statement.name.text] = statement.members.filter(ts.isPropertySignature).map((member) => ({
      name: member.name.getText(),
      optional: member.questionToken !== undefined,
      comment: ts
        .getJSDocCommentsAndTags(member)
        .map((comment) => comment.getText())
        .join(' '),
    }))
  }
  return found
}

/** The rows of the table in one section: option and default. */
function rowsOf(section: string): readonly (readonly [name: string, fallback: string])[] {
  const text = read('docs/options.md').split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, name = '', , fallback = ''] = line.split('|').map((cell) => cell.trim())
      return [name.replaceAll('`', ''), fallback] as const
    })
}

const sources = [
  'src/issuer/remote-keys.ts',
  'src/issuer/key-set.ts',
  'src/resource-server/resource-server-options.ts',
  'src/resource-server/resource.ts',
  'src/resource-server/token/issuer-options.ts',
  'src/resource-server/token/introspection-options.ts',
  'src/resource-server/token/token-check.ts',
  'src/resource-server/token/claim-profile.ts',
  'src/resource-server/token/audience.ts',
  'src/resource-server/binding/binding-options.ts',
  'src/resource-server/metadata/resource-metadata.ts',
  'src/resource-server/policy/requirement.ts',
  'src/client/client-options.ts',
  'src/grants/grants.ts',
  'src/grants/grant.ts',
  'src/login/user-tokens.ts',
  'src/client/token-source.ts',
  'src/client/authenticated-fetch.ts',
  'src/login/web/login-options.ts',
  'src/login/web/login-limit.ts',
  'src/login/web/cookie-sessions.ts',
  'src/login/web/ask-to-sign-in.ts',
]
const otherNames: readonly string[] = [
  ...['AudienceStandIn', 'ClaimProfile', 'RoleClaim', 'Requirement'],
  ...['SessionLimits', 'SessionTokens', 'LoginLimit', 'LoginRequirement'],
]
const documented = sources
  .flatMap((path) => Object.entries(interfacesOf(path)))
  .filter(([name]) => name.endsWith('Options') || otherNames.includes(name))

describe('docs/options.md', () => {
  it('has a section for every kind of options', () => {
    const headings = [...read('docs/options.md').matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading)
    expect(headings.sort()).toEqual(documented.map(([name]) => name).sort())
    expect(documented.length).toBeGreaterThan(10)
  })

  it.each(documented)('lists each option of %s, in the order of the source', (section, members) => {
    expect(rowsOf(section).map(([name]) => name)).toEqual(members.map(({ name }) => name))
  })

  it.each(documented)('says which options of %s are required', (section, members) => {
    const required = rowsOf(section).filter(([, fallback]) => fallback === 'required')
    expect(required.map(([name]) => name)).toEqual(members.filter(({ optional }) => !optional).map(({ name }) => name))
  })

  it.each(documented)('gives the defaults of %s that the source gives', (section, members) => {
    const shown = new Map(rowsOf(section))
    const wrong = members.filter(({ name, comment }) => {
      const [, fallback] = /[Dd]efault (?:mode )?`?'?([\d,]*\d|true|false|none|off|allowed)\b/.exec(comment) ?? []
      return fallback !== undefined && !shown.get(name)?.replaceAll('`', '').startsWith(fallback)
    })
    expect(wrong.map(({ name }) => name)).toEqual([])
  })
})
