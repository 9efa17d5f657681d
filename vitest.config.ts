import { defineConfig } from 'vitest/config'
import { noSkips } from './test/support/no-skips.js'
import { standardDecorators } from './test/support/standard-decorators.js'
import { sortTestFiles } from './test/support/test-files.js'

const root = import.meta.dirname

const { together, alone, outside } = sortTestFiles(root)
const isCi = Boolean(process.env['CI'])

export default defineConfig({
  plugins: [standardDecorators],
  resolve: {
    alias: [
      { find: '#crypto', replacement: `${root}/src/jws/crypto/node.ts` },
      { find: '#diagnostics', replacement: `${root}/src/kit/diagnostics-node.ts` },
      { find: '#network', replacement: `${root}/src/kit/fetch/network-node.ts` },
      { find: /^portcullis\/adapter$/, replacement: `${root}/src/adapter.ts` },
      { find: /^portcullis\/adapter-testing$/, replacement: `${root}/src/testing/adapter-contract/index.ts` },
      { find: /^portcullis$/, replacement: `${root}/src/index.ts` },
      {
        find: /^portcullis\/(client|inspector|login|native|providers|testing)$/,
        replacement: `${root}/src/$1/index.ts`,
      },
      { find: /^portcullis\/otel$/, replacement: `${root}/src/telemetry/index.ts` },
      { find: /^portcullis\/redis$/, replacement: `${root}/src/stores/redis/index.ts` },
      { find: /^portcullis\/(.+)$/, replacement: `${root}/adapters/$1/index.ts` },
    ],
  },
  test: {
    // What needs nothing but a processor first, on all of them; then, one file at a time, what starts other programs, so
    // that nothing takes their time limits from them. A browser on a slow machine takes many times as long as here.
    projects: [
      {
        extends: true,
        test: { name: 'together', include: [...together], isolate: false, maxWorkers: '100%' },
      },
      { extends: true, test: { name: 'alone', include: [...alone], maxWorkers: '100%' } },
      {
        extends: true,
        test: {
          ...{ name: 'outside', include: [...outside], maxWorkers: 1, sequence: { groupOrder: 1 } },
          ...{ testTimeout: 180_000, hookTimeout: 180_000 },
        },
      },
    ],
    setupFiles: ['./test/support/agreement.ts'],
    reporters: isCi ? ['default', noSkips] : ['default'],
    // On CI a test is tried twice; the closing lines name it where it needed that, and say what failed.
    retry: isCi ? 1 : 0,
    // Limits for what hangs: no test waits for them. They are far above what a machine takes that has other work.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    coverage: {
      provider: 'v8',
      include: [`${root}/src/**/*.ts`, `${root}/adapters/**/*.ts`],
      // Runs in a browser, and is tested there.
      exclude: [`${root}/src/inspector/page/**`],
      thresholds: { lines: 100, functions: 100, branches: 98 },
    },
  },
})
