import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const folder = resolve(import.meta.dirname, '../../.github/workflows')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const names = readdirSync(folder)

interface Job {
  readonly 'timeout-minutes'?: number
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[]
}

interface Workflow {
  readonly permissions: unknown
  readonly jobs: Readonly<Record<string, Job>>
}

const jobsOf = (name: string) => Object.values((parse(read(name)) as Workflow).jobs)
const commandsOf = (name: string) => jobsOf(name).flatMap(({ steps }) => steps.map(({ run = '' }) => run))

describe.each(names)('the workflow %s', (name) => {
  it('names each action by its commit, with its version beside it', () => {
    const actions = read(name)
      .split('\n')
      .filter((line) => line.includes('uses:'))
    const pinned = /^ +(- )?uses: [\w-]+\/[\w-]+(\/[\w-]+)?@[0-9a-f]{40} # v\d+\.\d+\.\d+$/
    expect(actions.filter((line) => !pinned.test(line))).toEqual([])
  })

  it('has no permission but those a job names, and no job without an end', () => {
    expect((parse(read(name)) as Workflow).permissions).toEqual({})
    expect(jobsOf(name).filter((job) => job['timeout-minutes'] === undefined)).toEqual([])
  })

  it('is not started by a pull request with the rights of the repository', () => {
    expect(read(name)).not.toMatch(/pull_request_target|workflow_run/)
  })

  it('installs without scripts where a job may write the repository or publish', () => {
    const mayWrite = ({ permissions = {} }: Job) => 'id-token' in permissions || permissions['contents'] === 'write'
    const commands = jobsOf(name)
      .filter(mayWrite)
      .flatMap(({ steps }) => steps.map(({ run = '' }) => run))
    expect(
      commands.filter((command) => /npm (ci|install)(?!.*--ignore-scripts)|npm (run check|test)/.test(command)),
    ).toEqual([])
  })

  it('puts no text of an event into a command', () => {
    expect(commandsOf(name).filter((command) => /\$\{\{\s*(github\.event|inputs|matrix)/.test(command))).toEqual([])
  })
})

it.each(names)('the jobs of %s that run the tests install what these need', (name) => {
  const runTests = /^npm (run check|test)\b/
  for (const { steps } of jobsOf(name)) {
    const commands = steps.map(({ run = '' }) => run)
    if (!commands.some((command) => runTests.test(command))) continue
    const before = commands
      .slice(
        0,
        commands.findIndex((command) => runTests.test(command)),
      )
      .join('\n')
    for (const tool of ['redis-server', 'gnome-keyring', ' age ', 'zsh', 'fish', 'sops@'])
      expect(before).toContain(tool)
  }
})

describe('the fuzzer', () => {
  it('has an hour for every parser before a release', () => {
    const [{ strategy }] = jobsOf('fuzz.yml') as [Job & { strategy: { matrix: { parser: readonly string[] } } }]
    expect(strategy.matrix.parser).toEqual(readdirSync(resolve(folder, '../../test/fuzz/corpus')).sort())
    expect(commandsOf('fuzz.yml')).toContain('npm run fuzz -- "$PARSER" --seconds=3600')
  })
})

describe('a release', () => {
  it('checks the signatures of what it is built with, and is checked as any change', () => {
    for (const name of ['ci.yml', 'release.yml']) {
      expect(commandsOf(name)).toEqual(expect.arrayContaining(['npm ci', 'npm audit signatures', 'npm run check']))
    }
  })

  it('says where it was built, and what is in it', () => {
    const { release } = (parse(read('release.yml')) as Workflow).jobs as { readonly release: Job }
    expect(release.permissions).toMatchObject({ 'id-token': 'write' })
    expect(release.steps.map(({ env = {} }) => env['NPM_CONFIG_PROVENANCE'])).toContain('true')
    expect(commandsOf('release.yml').join('\n')).toMatch(/npm run --silent sbom > (\S+)\ngh release upload \S+.* \1/)
  })
})
