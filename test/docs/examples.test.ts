import { readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeBlocks, read, root } from './markdown.js'

const pageOf: Readonly<Record<string, string>> = {
  'experimental-decorators/routing-controllers.ts': 'docs/decorators.md',
  'mcp/agents.ts': 'docs/agents.md',
  'mcp/on-behalf-of.ts': 'docs/mcp-tools.md',
  'mcp/server.ts': 'docs/mcp.md',
  'hono.ts': 'docs/fetch.md',
  'on-behalf-of.ts': 'docs/delegation.md',
}
const programs = (folder: string) =>
  readdirSync(join(root, 'examples', folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name))
const examples = ['.', 'experimental-decorators', 'mcp'].flatMap(programs)

describe('the pages about frameworks', () => {
  it.each(examples)('show examples/%s as it is', (name) => {
    const page = pageOf[name] ?? `docs/${name.replace('.ts', '.md')}`
    expect(codeBlocks(page).map(({ code }) => code)).toContain(read(`examples/${name}`))
    expect(read(page)).toContain(`(../examples/${name})`)
  })
})
