/*
 * Runs the MCP conformance package and prints the scores: its client suite against the official SDK's client with
 * `createMcpAuthProvider`, and its server suite against a server of the SDK, without our gate and behind it. Fails where a
 * scenario of the client does, and where the gate changes what a scenario of the server comes to.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { startGatedServer, startOpenServer } from './server.js'

const packaged = 'test/mcp-conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js'
const client = 'dist/mcp-conformance-client.mjs'

const run = promisify(execFile)

interface Score {
  readonly passed: number
  readonly failed: number
}

async function conformance(...args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024 }
  const { stdout, stderr } = await run(process.execPath, [packaged, ...args], options).catch((error) => error)
  return `${stdout}\n${stderr}`
}

async function scenarios(of: 'client' | 'server'): Promise<readonly string[]> {
  const [servers = '', clients = ''] = (await conformance('list')).split('Client scenarios')
  const listed = of === 'client' ? clients : servers
  return [...listed.matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name as string)
}

function scoreOf(output: string): Score {
  const [, passed = '0', failed = '1'] = /Passed: (\d+)\/\d+, (\d+) failed/.exec(output) ?? []
  return { passed: Number(passed), failed: Number(failed) }
}

async function clientSuite(): Promise<boolean> {
  const entry = 'test/mcp-conformance/client.ts'
  const shared = { bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'warning' } as const
  await build({ entryPoints: [entry], outfile: client, ...shared })
  const scores: Score[] = []
  const failures: string[] = []
  for (const name of await scenarios('client')) {
    const command = `${process.execPath} ${client}`
    const score = scoreOf(await conformance('client', '--command', command, '--scenario', name, '--timeout', '60000'))
    scores.push(score)
    if (score.failed > 0) failures.push(name)
    console.log(`${score.failed === 0 ? 'passes' : 'FAILS '} ${name}: ${score.passed} checks, ${score.failed} failed`)
  }
  console.log(`Client: ${scores.length - failures.length} of ${scores.length} scenarios, ${total(scores)} checks.`)
  return failures.length === 0
}

async function serverScores(url: string): Promise<ReadonlyMap<string, Score>> {
  const scores = new Map<string, Score>()
  for (const name of await scenarios('server')) {
    scores.set(name, scoreOf(await conformance('server', '--url', url, '--scenario', name)))
  }
  return scores
}

/** The same server twice: whatever it scores, it has to score behind the gate too. */
async function serverSuite(): Promise<boolean> {
  const scores: ReadonlyMap<string, Score>[] = []
  for (const start of [startOpenServer, startGatedServer]) {
    const { url, close } = await start()
    scores.push(await serverScores(url))
    close()
  }
  const [open = new Map(), gated = new Map()] = scores
  const differing = [...open].filter(([name, { passed, failed }]) => {
    const behind = gated.get(name)
    const isSame = behind?.passed === passed && behind.failed === failed
    console.log(
      `${isSame ? 'same   ' : 'DIFFERS'} ${name}: ${told({ passed, failed })}; behind the gate ${told(behind)}`,
    )
    return !isSame
  })
  console.log(`Server: without the gate ${summary(open)}; behind it ${summary(gated)}.`)
  return differing.length === 0
}

function told(score: Score | undefined): string {
  return score === undefined ? 'nothing' : `${score.passed} checks, ${score.failed} failed`
}

function summary(scores: ReadonlyMap<string, Score>): string {
  const all = [...scores.values()]
  return `${all.filter(({ failed }) => failed === 0).length} of ${all.length} scenarios, ${total(all)} checks`
}

function total(scores: readonly Score[]): number {
  return scores.reduce((sum, { passed }) => sum + passed, 0)
}

if (!existsSync(packaged)) throw new Error('First: npm ci --prefix test/mcp-conformance (Node 22 or later).')
const suites = { client: clientSuite, server: serverSuite }
for (const [name, run] of Object.entries(suites)) {
  if ((process.argv[2] ?? name) === name && !(await run())) process.exitCode = 1
}
