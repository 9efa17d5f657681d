/*
 * Runs the client suite of the MCP conformance package against the official SDK's client with `createMcpAuthProvider`, and
 * prints the scores. Fails where a scenario does, other than those of the revision that knows no resource metadata.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const packaged = 'test/mcp-conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js'
const client = 'dist/mcp-conformance-client.mjs'
/** The revision 2025-03-26 has no resource metadata: the origin of the resource stands for its server. That is a guess. */
const withoutMetadata = /^auth\/2025-03-26-/

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

async function scenarios(): Promise<readonly string[]> {
  const [, clients = ''] = (await conformance('list')).split('Client scenarios')
  return [...clients.matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name as string)
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
  for (const name of await scenarios()) {
    const command = `${process.execPath} ${client}`
    const score = scoreOf(await conformance('client', '--command', command, '--scenario', name, '--timeout', '60000'))
    scores.push(score)
    if (score.failed > 0) failures.push(name)
    console.log(`${score.failed === 0 ? 'passes' : 'FAILS '} ${name}: ${score.passed} checks, ${score.failed} failed`)
  }
  console.log(`Client: ${scores.length - failures.length} of ${scores.length} scenarios, ${total(scores)} checks.`)
  return failures.every((name) => withoutMetadata.test(name))
}

function total(scores: readonly Score[]): number {
  return scores.reduce((sum, { passed }) => sum + passed, 0)
}

if (!existsSync(packaged)) throw new Error('First: npm ci --prefix test/mcp-conformance (Node 22 or later).')
if (!(await clientSuite())) process.exitCode = 1
