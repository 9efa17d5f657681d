import type { Reporter, TestModule } from 'vitest/node'

/**
 * A skipped test proves nothing, so on CI it is a failure. Names each test that passed only at its second try, with what failed at the
 * first, a seed for instance: it is left to chance, or what it tries at random found something, and is to be mended. Also prints one closing line with the totals, which `.ci/run` adds up over the versions of Node.
 */
export const noSkips: Reporter = {
  onTestRunEnd(modules) {
    const passed = count(modules, 'passed')
    const failed = count(modules, 'failed')
    const skipped = [...testsOf(modules, 'skipped')]
    for (const test of skipped) console.error(`skipped on CI: ${test.module.relativeModuleId} > ${test.fullName}`)
    if (skipped.length > 0) process.exitCode = 1
    for (const test of testsOf(modules, 'passed')) {
      if (!test.diagnostic()?.flaky) continue
      const [first] = test.result().errors ?? []
      console.log(`passed at the second try: ${test.module.relativeModuleId} > ${test.fullName}: ${first?.message}`)
    }
    console.log(`tests on Node ${process.versions.node}: ${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  },
}

function* testsOf(modules: readonly TestModule[], state: 'passed' | 'failed' | 'skipped') {
  for (const module of modules) yield* module.children.allTests(state)
}

function count(modules: readonly TestModule[], state: 'passed' | 'failed'): number {
  return [...testsOf(modules, state)].length
}
