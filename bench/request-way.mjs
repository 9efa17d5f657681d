/*
 * npm run request-way: which files and functions of this package one request passes, by V8's own call counts.
 *
 * Each source file is compiled by itself, so that a file of the count is a file of the tree. Three requests through
 * Express are counted, each after a request of another kind: a new token, the same token again, and the first grant
 * with the real client. The test kit that plays the authorization server is left out.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = process.argv[2] ?? join(import.meta.dirname, '..')
const out = mkdtempSync(join(tmpdir(), 'request-way-'))
const sources = spawnSync('git', ['ls-files', 'src/*.ts', 'src/**/*.ts', 'adapters/*.ts', 'adapters/**/*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
const files = [...new Set(sources.stdout.trim().split('\n'))]
const built = spawnSync(
  join(root, 'node_modules/.bin/esbuild'),
  [...files, `--outdir=${out}`, '--outbase=.', '--format=esm', '--target=es2022', '--log-level=warning'],
  { cwd: root, stdio: 'inherit' },
)
if (built.status !== 0) process.exit(1)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8').replaceAll('./dist/', './'))
writeFileSync(
  join(out, 'package.json'),
  JSON.stringify({ name: manifest.name, type: 'module', imports: manifest.imports, exports: manifest.exports }),
)
symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
writeFileSync(
  join(out, 'count.mjs'),
  `
import inspector from 'node:inspector/promises'
import express from 'express'
import { createGrants, createResourceServer } from 'portcullis'
import { createOAuthClient, clientSecretBasic } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { createTestIssuer } from 'portcullis/testing'

const issuer = createTestIssuer({ audience: 'https://api.example.com' })
const session = new inspector.Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const server = createResourceServer({ resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch })
const client = createOAuthClient({ issuer: issuer.issuer, credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }), fetch: issuer.fetch })
const { requireToken, grant } = portcullis(server, { grants: createGrants({ client }) })
const app = express()
app.get('/plain', requireToken({ scope: 'profile' }), (req, res) => res.json(req.auth.subject))
app.get('/granted', requireToken({ scope: 'profile' }), grant('https://calendar.example.com'), (req, res) => res.json('ok'))
const listener = app.listen(0, '127.0.0.1')
await new Promise((resolve) => listener.once('listening', resolve))
const base = 'http://127.0.0.1:' + listener.address().port
const ask = async (path, token) => {
  const answer = await fetch(base + path, { headers: { authorization: 'Bearer ' + token } })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(path + ' ' + answer.status + ' ' + text)
}
const mint = () => issuer.mintToken({ scope: 'profile' })
async function count(name, path, token) {
  await session.post('Profiler.takePreciseCoverage')
  await ask(path, token)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const here = new URL('.', import.meta.url).href
  const passed = result
    .filter(({ url }) => url.startsWith(here) && !url.includes('/src/testing/') && !url.includes('node_modules') && !url.endsWith('count.mjs'))
    .map(({ url, functions }) => ({ file: url.slice(here.length), functions: functions.filter(({ functionName, ranges }) => ranges[0].count > 0 && (functionName !== '' || ranges[0].startOffset > 0)).length }))
    .filter(({ functions }) => functions > 0)
  const functions = passed.reduce((sum, one) => sum + one.functions, 0)
  console.log(name + ': ' + passed.length + ' files, ' + functions + ' functions')
  if (process.env.VERBOSE) for (const one of passed) console.log('  ', one.file, one.functions)
}
await ask('/plain', mint())
const token = mint()
await count('new token', '/plain', token)
await count('repeated token', '/plain', token)
await count('first grant', '/granted', mint())
listener.close()
listener.closeAllConnections()
`,
)
const { status } = spawnSync(process.execPath, ['count.mjs'], { cwd: out, stdio: 'inherit' })
rmSync(out, { recursive: true })
process.exit(status ?? 1)
