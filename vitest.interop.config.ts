import { defineConfig } from 'vitest/config'
import { noSkips } from './test/support/no-skips.js'
import base from './vitest.config.js'

/** Without the projects: these files are named below. */
const { projects: _, ...shared } = base.test ?? {}

/** Everything against real authorization servers and stores, which are started for it: `npm run interop`, see CONTRIBUTING. */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    include: ['test/interop/*.interop.ts', 'test/stores/redis-*.test.ts'],
    globalSetup: 'test/interop/set-up.ts',
    reporters: ['verbose', noSkips],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 420_000,
  },
})
