/** Runs the contract of all adapters and writes `docs/conformance.md`. Fails, and writes nothing, where a row fails. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { startVitest, type TestCase } from 'vitest/node'
import { installedVersions } from './frameworks.js'
import { conformancePage, type RowResult } from './page.js'

const root = resolve(import.meta.dirname, '../..')

/**
 * A test as a row. The outermost suite names the framework; those in between, the server. No row where the test is not of
 * the contract of an adapter: such files hold tests of logins as well.
 */
function toRow(test: TestCase): RowResult | undefined {
  const suites: string[] = []
  for (let { parent } = test; parent.type === 'suite'; parent = parent.parent) suites.unshift(parent.name)
  const [outermost = '', ...between] = suites
  const framework = /^the (.+) adapter$/.exec(outermost)?.[1]
  if (framework === undefined) return undefined
  const [, ids = '', sentence = ''] = /^((?:\[[^\]]+\] )*)(.*)$/.exec(test.name) ?? []
  const title = between.length === 0 ? test.name : `${ids}${between.join(', ')}: ${sentence}`
  return { framework, title, passed: test.result().state === 'passed' }
}

const exclude = ['**/node_modules/**', '**/login*.contract.test.ts']
const vitest = await startVitest('test', ['.contract.test'], { root, exclude, watch: false, reporters: [{}] })
const rows = vitest.state
  .getTestModules()
  .flatMap((module) => [...module.children.allTests()])
  .flatMap((test) => toRow(test) ?? [])
await vitest.close()

if (rows.length === 0 || rows.some(({ passed }) => !passed)) process.exitCode = 1
else {
  const versions = installedVersions(new Set(rows.map(({ framework }) => framework)))
  writeFileSync(resolve(root, 'docs/conformance.md'), conformancePage(rows, versions))
}
