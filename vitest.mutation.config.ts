import { defineConfig } from 'vitest/config'
import { sortTestFiles } from './test/support/test-files.js'
import base from './vitest.config.js'

const { projects: _, ...shared } = base.test ?? {}
const { together, alone } = sortTestFiles(import.meta.dirname)

const room = process.env['MUTATION_ROOM']
const own = [...together, ...alone].filter((file) => file.startsWith(`test/unit/${room}/`))

/**
 * The tests that kill mutants: those of the room in MUTATION_ROOM, and without one all that start no other program. Run by
 * `npm run mutation`, see docs/proof.md.
 */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    reporters: ['default'],
    include: own.length > 0 ? own : [...together, ...alone].filter((file) => !file.startsWith('test/docs/')),
  },
})
