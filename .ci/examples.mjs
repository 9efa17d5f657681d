// Runs the projects of examples/ as who copies one would: installs the packed tarball, runs the tests, starts it, and runs the
// command that it prints. Two at a time; what fails is shown in full.
// NEWER_NODE is a folder with a later Node, for projects that need one.
//   npm run examples [-- name …]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const examples = join(root, 'examples')
const known = readdirSync(examples).filter((name) => existsSync(join(examples, name, 'package.json')))
const names = process.argv.length > 2 ? process.argv.slice(2) : known
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`No such example: ${unknown.join(', ')}. There are ${known.join(', ')}.`)

const work = mkdtempSync(join(tmpdir(), 'portcullis-examples-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))
writeFileSync(join(work, '.curlrc'), 'fail\nsilent\nshow-error\n') // an error status fails the command
const env = { ...process.env, CURL_HOME: work, NEXT_TELEMETRY_DISABLED: '1', WRANGLER_SEND_METRICS: 'false' }
const limitMs = 300_000

class StepError extends Error {}

/** Runs a program to its end, or until its output has `line`: then `meanwhile` runs, and the program is stopped. */
function run(command, parameters, { cwd, variables, line, meanwhile }) {
  const child = spawn(command, parameters, { cwd, env: { ...env, ...variables }, detached: true, stdio: 'pipe' })
  let output = ''
  return new Promise((done, fail) => {
    const giveUp = (reason) => fail(new StepError(`${[command, ...parameters].join(' ')}: ${reason}\n${output}`))
    const timer = setTimeout(() => giveUp(`not done in ${limitMs / 1000} s`), limitMs)
    let found = false
    const read = (chunk) => {
      output += chunk
      const match = found ? null : line?.exec(output)
      if (!match) return
      found = true
      meanwhile(match).then(done, (error) => giveUp(error.message))
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', (error) => giveUp(error.message))
    child.once('close', (code) => {
      clearTimeout(timer)
      if (code === 0 && line === undefined) done(output)
      else if (!found) giveUp(`ended with ${code}`)
    })
  }).finally(() => stop(child))
}

/** Ends a program and all it has started. */
function stop(child) {
  try {
    process.kill(-child.pid, 'SIGTERM')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** The variables that put a Node first which is new enough for the project. */
function nodeFor(name) {
  const { engines } = JSON.parse(readFileSync(join(examples, name, 'package.json'), 'utf8'))
  const [least] = /\d+/.exec(engines.node)
  if (Number(process.versions.node.split('.')[0]) >= Number(least)) return {}
  if (env.NEWER_NODE === undefined) throw new StepError(`${name} needs Node ${engines.node}: set NEWER_NODE`)
  return { PATH: `${env.NEWER_NODE}:${env.PATH}` }
}

/** Below the ports that systems hand out by themselves: nothing takes it before the project is started. */
let nextPort = 20_000 + (process.pid % 1000) * 10

async function freePort() {
  const port = nextPort++
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return freePort()
  }
  server.close()
  return port
}

async function tryOut(name, tarball) {
  const cwd = join(work, name)
  const variables = { ...nodeFor(name), PORT: await freePort() }
  cpSync(join(examples, name), cwd, {
    recursive: true,
    filter: (path) => !['node_modules', 'dist', '.next'].includes(basename(path)),
  })
  const steps = {
    install: () => run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd, variables }),
    test: () => run('npm', ['test'], { cwd, variables }),
    start: () =>
      run('npm', ['start'], {
        cwd,
        variables,
        line: /^Try: (.+)\n/m,
        meanwhile: ([, command]) => run('sh', ['-c', command], { cwd }),
      }),
  }
  const seconds = {}
  for (const [step, take] of Object.entries(steps)) {
    const began = performance.now()
    const failure = await take().then(
      () => undefined,
      (error) => error,
    )
    seconds[step] = Math.round((performance.now() - began) / 100) / 10
    if (failure === undefined) continue
    console.error(`\n${name}: ${failure instanceof StepError ? failure.message : failure.stack}`)
    return { name, ...seconds, result: `${step} failed` }
  }
  return { name, ...seconds, result: 'good' }
}

const began = performance.now()
const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work], { cwd: root })
const tarball = join(work, packed.trim().split('\n').at(-1))
const waiting = names.values()
const results = []
await Promise.all(
  [1, 2].map(async () => {
    for (const name of waiting) results.push(await tryOut(name, tarball))
  }),
)
console.table(Object.fromEntries(results.map(({ name, ...rest }) => [name, rest])))
console.log(`${results.length} examples in ${Math.round((performance.now() - began) / 1000)} s`)
if (results.some(({ result }) => result !== 'good')) process.exitCode = 1
