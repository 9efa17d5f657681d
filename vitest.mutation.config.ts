import { defineConfig } from 'vitest/config'
import { sortTestFiles } from './test/support/test-files.js'
import base from './vitest.config.js'

const { projects: _, ...shared } = base.test ?? {}
const { together, alone } = sortTestFiles(import.meta.dirname)

/** The tests that kill mutants: fast ones, which start no other program. Run by `npm run mutation`, see docs/proof.md. */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    reporters: ['default'],
    include: [...together, ...alone].filter((file) => !file.startsWith('test/docs/')),
  },
})
