import { defineConfig } from 'vitest/config'
import { noSkips } from './test/support/no-skips.js'
import base from './vitest.config.js'

/** Without the projects: these files are named below. */
const { projects: _, ...shared } = base.test ?? {}

/** The site as it is published, in Chromium: `npm run site:check`, which builds it first. */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    include: ['test/site/*.test.ts'],
    globalSetup: 'test/site/build-site.ts',
    reporters: process.env['CI'] ? ['default', noSkips] : ['default'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
