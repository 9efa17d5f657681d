/** Runs the contract of all adapters and writes `docs/conformance.md`. Fails, and writes nothing, where a row fails. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { startVitest, type TestCase } from 'vitest/node'
import { installedVersions } from './frameworks.js'
import { conformancePage, type RowResult } from './page.js'

const root = resolve(import.meta.dirname, '../..')

/** A test as a row. The outermost suite names the framework; those in between, the server. */
function toRow(test: TestCase): RowResult {
  const suites: string[] = []
  for (let { parent } = test; parent.type === 'suite'; parent = parent.parent) suites.unshift(parent.name)
  const [outermost = '', ...between] = suites
  const framework = /^the (.+) adapter$/.exec(outermost)?.[1]
  if (framework === undefined) throw new Error(`${test.fullName} is of no framework`)
  const [, ids = '', sentence = ''] = /^((?:\[[^\]]+\] )*)(.*)$/.exec(test.name) ?? []
  const title = between.length === 0 ? test.name : `${ids}${between.join(', ')}: ${sentence}`
  return { framework, title, passed: test.result().state === 'passed' }
}

const vitest = await startVitest('test', ['.contract.test'], { root, watch: false, reporters: [{}] })
const rows = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()].map(toRow))
await vitest.close()

if (rows.length === 0 || rows.some(({ passed }) => !passed)) process.exitCode = 1
else {
  const versions = installedVersions(new Set(rows.map(({ framework }) => framework)))
  writeFileSync(resolve(root, 'docs/conformance.md'), conformancePage(rows, versions))
}
