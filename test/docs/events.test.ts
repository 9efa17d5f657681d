import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

const [source, ...parts] = ['events', 'issuer-events', 'login-events', 'client-events'].map((name) =>
  ts.createSourceFile(`${name}.ts`, read(`src/kit/${name}.ts`), ts.ScriptTarget.Latest, true),
) as [ts.SourceFile, ...ts.SourceFile[]]
const unions = new Set(['PortcullisEvent', 'IssuerEvent', 'LoginEvent', 'ClientEvent'])

/** The members of each event, those about a request left out, by its type. */
function eventsOfSource(): Record<string, string[]> {
  const events: Record<string, string[]> = {}
  const visit = (node: ts.Node): void => {
    if (!ts.isTypeLiteralNode(node)) {
      ts.forEachChild(node, visit)
      return
    }
    const members = node.members.filter(ts.isPropertySignature)
    const type = members.find((member) => member.name.getText() === 'type')?.type?.getText() ?? ''
    events[type.slice(1, -1)] = members.map((member) => member.name.getText()).filter((name) => name !== 'type')
  }
  for (const { statements } of [source, ...parts]) {
    for (const statement of statements) {
      if (ts.isTypeAliasDeclaration(statement) && unions.has(statement.name.text)) visit(statement.type)
    }
  }
  return events
}

function rowsOf(heading: string): readonly (readonly string[])[] {
  const text = read('docs/events.md').split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
}

describe('docs/events.md', () => {
  it('[REAL-44] lists every event of the source with its members, in the same order', () => {
    const rows = rowsOf('Every event').map(([, name = '', members = '']) => [
      name.replaceAll('`', ''),
      members.split(' ').map((member) => member.replaceAll('`', '')),
    ])
    expect(rows).toEqual(Object.entries(eventsOfSource()))
    expect(rows.length).toBeGreaterThan(20)
  })

  it('[REAL-44] lists what every event about a request says', () => {
    const about = source.statements.find(
      (statement): statement is ts.InterfaceDeclaration =>
        ts.isInterfaceDeclaration(statement) && statement.name.text === 'AboutRequest',
    )
    const members = about?.members.map((member) => member.name?.getText())
    expect(rowsOf('About a request').map(([, name = '']) => name.replaceAll('`', ''))).toEqual(members)
  })
})
