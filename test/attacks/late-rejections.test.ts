import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const tsconfig = fileURLToPath(new URL('../examples/tsconfig.json', import.meta.url))

/** A process of its own, as Node runs it by default: a rejection that nobody catches ends it. */
const program = `
import { createOAuthClient } from './src/client/index.js'
import { createResourceServer } from './src/index.js'
import { createTestIssuer, requestFacts } from './src/testing/index.js'

const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 1))
const thenable = () => ({ then: (_, reject) => reject(new Error('at once')) })
const hostile = () => ({ get then() { throw new Error('getter') } })
const issuer = createTestIssuer()
const tenant = (has) => ({ issuer: () => late(), tenants: { has } })
const answers = []

async function call(options, requirement) {
  const server = createResourceServer({ resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch, ...options })
  const token = issuer.mintToken({ authorization_details: [{ type: 'a' }] })
  const request = requestFacts({ headers: { authorization: 'Bearer ' + token } })
  const result = await server.authenticate(request, requirement)
  answers.push(result.ok ? 'ok' : result.answer.status)
  if (!result.ok || requirement?.allow === undefined) return
  try { server.check(result.auth, requirement) } catch { answers.push('stopped') }
}

for (const fail of [late, thenable, hostile]) {
  await call({ onEvent: fail })
  await call({}, { allow: fail })
  await call({}, { claims: fail })
  await call({}, { claims: { sub: fail } })
  await call({}, { authorizationDetails: { a: fail } })
  await call({ isRevoked: fail })
  await call(tenant(fail))
  await call(tenant(() => true))
}
const admitted = createResourceServer({ resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch })
const auth = await admitted.verify(issuer.mintToken())
for (const check of [{ allow: late }, { allow: thenable }]) {
  try { admitted.check(auth, check); answers.push('ok') } catch { answers.push('stopped') }
}
const signing = createResourceServer({
  resource: { resource: 'https://api.example.com', metadata: { sign: late } },
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  onEvent: late,
})
const statusOf = ({ status }) => answers.push(status)
await signing.metadata(requestFacts({ url: '/.well-known/oauth-protected-resource' })).then(statusOf, statusOf)
for (const onTrace of [late, thenable, hostile]) {
  const client = createOAuthClient({ issuer: issuer.issuer, fetch: issuer.fetch, onTrace })
  await client.ready().then(({ issuer }) => answers.push(issuer), ({ code }) => answers.push(code))
}
await new Promise((resolve) => setTimeout(resolve, 50))
console.log(JSON.stringify(answers))
`

describe('a function of the application that rejects when nobody waits any more', () => {
  it('[REAL-14] ends no process and changes no answer', async () => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type', 'module', '--eval', program], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
    })
    const ofOneKind = ['ok', 500, 500, 500, 500, 503, 500, 503]
    const traced = Array(3).fill('https://issuer.test')
    expect(JSON.parse(stdout)).toEqual([...ofOneKind, ...ofOneKind, ...ofOneKind, 'stopped', 'stopped', 500, ...traced])
  })
})
