import { defineConfig } from 'vitest/config'
import base from './vitest.config.js'

/** Without the projects: these files are named below. */
const { projects: _, ...shared } = base.test ?? {}

/** Which packages come from test/newest: the frameworks, and what must be one copy for them and the tests. */
const fromNewest = /^(@nestjs\/.+|fastmcp|graphql|reflect-metadata|rxjs)$/

const newestFrameworks = {
  name: 'newest-frameworks',
  enforce: 'pre' as const,
  resolveId(this: { resolve: (id: string, from: string, options: object) => unknown }, id: string) {
    if (!fromNewest.test(id)) return undefined
    return this.resolve(id, `${import.meta.dirname}/test/newest/package.json`, { skipSelf: true })
  },
}

/**
 * The tests of NestJS and FastMCP once more, with their newest majors, which need Node 22 or later:
 * `npm ci --prefix test/newest && npx vitest run --config vitest.newest.config.ts`
 */
export default defineConfig({
  ...base,
  plugins: [...(base.plugins ?? []), newestFrameworks as never],
  test: {
    ...shared,
    // One copy of graphql for its users: inlined, they find it by the same rules.
    server: { deps: { inline: [/graphql/] } },
    include: [
      'test/adapters/nest*.test.ts',
      'test/decorators-legacy/nest-*.test.ts',
      'test/integration/fastmcp.test.ts',
    ],
  },
})
