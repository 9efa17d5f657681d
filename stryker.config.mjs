/** Mutation testing, see docs/proof.md. What is mutated is an argument: `npm run mutation -- login/web`. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  incremental: true,
  incrementalFile: '.stryker/incremental.json',
  tempDirName: '.stryker/sandbox',
  ignorePatterns: ['/.stryker', '/coverage', '/dist'],
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: '.stryker/report.json' },
  timeoutMS: 20_000,
  concurrency: 1,
}
