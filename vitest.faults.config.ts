import { defineConfig } from 'vitest/config'
import { noSkips } from './test/support/no-skips.js'
import base from './vitest.config.js'

/** Without the projects: these files are named below. */
const { projects: _, ...shared } = base.test ?? {}

/** What users see while something is broken, over real connections: `npm run faults`, see docs/proof/faults.md. */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    include: ['test/faults/*.faults.ts'],
    reporters: ['verbose', noSkips],
    fileParallelism: false,
    // A busy machine gets to things late. What must be quick has a limit of its own.
    expect: { ...shared.expect, poll: { timeout: 30_000 } },
  },
})
