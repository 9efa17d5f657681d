import { join, resolve } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { type BuildResult, build, type Plugin } from 'esbuild'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import bundledPackages from '../../.ci/bundled-packages.json' with { type: 'json' }
import packageJson from '../../package.json' with { type: 'json' }
import type { Given, run as program } from './web-runtime-program.js'

const root = resolve(import.meta.dirname, '../..')

/** Follows `imports` of package.json as a runtime does that is not Node, but to the sources of what it names. */
const webImports: Plugin = {
  name: 'web-imports',
  setup({ onResolve }) {
    onResolve({ filter: /^#/ }, ({ path }) => {
      const target = packageJson.imports[path as keyof typeof packageJson.imports].default
      return { path: join(root, target.replace('./dist/', './').replace(/\.js$/, '.ts')) }
    })
  },
}

function bundle(entry: string): Promise<BuildResult<{ metafile: true; write: false }>> {
  return build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    globalName: 'program',
    target: 'es2022',
    platform: 'neutral',
    conditions: ['default'],
    mainFields: ['module', 'main'],
    // Loaded where a credential is read from a file, and not before.
    external: ['node:fs/promises'],
    logLevel: 'silent',
    plugins: [webImports],
  })
}

const init = { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal } as const

/** The globals every runtime of the web has (WinterTC minimum common API) and V8 does not bring itself. */
const webGlobals = [
  'AbortController',
  'AbortSignal',
  'DOMException',
  'Headers',
  'Request',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'atob',
  'btoa',
  'clearTimeout',
  'console',
  'crypto',
  'performance',
  'queueMicrotask',
  'setTimeout',
  'structuredClone',
] as const

function webOnly() {
  return Object.fromEntries(webGlobals.map((name) => [name, globalThis[name]]))
}

/** What a Worker has before its first request: the rest throws. */
function globalsAtLoad() {
  const forbidden = (name: string) =>
    class {
      constructor() {
        throw new Error(name)
      }
    }
  const setTimeout = () => {
    throw new Error('setTimeout')
  }
  const crypto = { subtle: globalThis.crypto.subtle }
  return { ...webOnly(), AbortController: forbidden('AbortController'), setTimeout, crypto }
}

describe('a bundle for the web', () => {
  const issuer = createTestIssuer()
  const client = createDpopClient()
  let built: BuildResult<{ metafile: true; write: false }>

  beforeAll(async () => {
    built = await bundle('test/package/web-runtime-program.ts')
  })
  afterAll(() => issuer.close())

  async function run(requests: Given['requests']): ReturnType<typeof program> {
    const read = async (url: string) => (await issuer.fetch(url, init)).json()
    const metadataUrl = `${issuer.issuer}/.well-known/oauth-authorization-server`
    const metadata = (await read(metadataUrl)) as { jwks_uri: string }
    const documents = { [metadataUrl]: metadata, [metadata.jwks_uri]: await read(metadata.jwks_uri) }
    const given: Given = { issuer: issuer.issuer, resource: 'https://api.example.com', documents, requests }
    const context = createContext({ ...webOnly(), given })
    const code = `${built.outputFiles[0]?.text}\nprogram.run(given).then(JSON.stringify)`
    return JSON.parse(await runInContext(code, context))
  }

  it("has nothing of Node's, and no framework", () => {
    const [output] = Object.values(built.metafile.outputs)
    const inputs = Object.keys(built.metafile.inputs)
    const packages = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
    expect(output?.imports).toEqual([])
    expect(inputs).toContain('src/jws/crypto/web.ts')
    expect(inputs.filter((path) => path.endsWith('/node.ts'))).toEqual([])
    const known = [...Object.keys(packageJson.dependencies), ...bundledPackages]
    expect(packages.filter((name) => !known.includes(name))).toEqual([])
  })

  it.each(['test/package/web-runtime-program.ts', 'src/client/index.ts', 'src/login/index.ts'])(
    'makes no AbortController, timer or random value while %s loads, which Workers forbid',
    async (entry) => {
      const { outputFiles } = await bundle(entry)
      expect(() => runInContext(outputFiles[0]?.text ?? '', createContext(globalsAtLoad()))).not.toThrow()
    },
  )

  it('has a client that gets a token', async () => {
    const { outputFiles } = await bundle('src/client/index.ts')
    const fetch = async (url: string) =>
      url.endsWith('/token')
        ? Response.json({ access_token: 'from the server', token_type: 'Bearer', expires_in: 60 })
        : new Response(null, { status: 404 })
    const context = createContext({ ...webOnly(), fetch })
    const code = `${outputFiles[0]?.text}
      const { clientSecretBasic, createOAuthClient } = program
      const credential = clientSecretBasic({ clientId: 'app', clientSecret: 'secret' })
      const endpoints = { token: 'https://id.example.com/token' }
      const options = { issuer: 'https://id.example.com', discovery: false, endpoints, credential, fetch }
      createOAuthClient(options).clientCredentials().then(({ accessToken }) => accessToken)`
    expect(await runInContext(code, context)).toBe('from the server')
  })

  it('verifies a token, a proof of possession, and refuses where it should', async () => {
    const url = 'https://api.example.com/me'
    const good = issuer.mintToken({ sub: 'alice', scope: 'read' })
    const bound = issuer.mintToken({ sub: 'bob', scope: 'read', cnf: { jkt: client.jkt } })
    const bearer = (token: string) => ({ url, headers: { authorization: `Bearer ${token}` } })
    const answers = await run([
      bearer(good),
      { url, headers: client.headers({ url, accessToken: bound }) },
      { url, headers: client.headers({ url: 'https://api.example.com/other', accessToken: bound }) },
      bearer(issuer.mintToken({ scope: 'read' }, { tamper: 'signature' })),
      bearer(issuer.mintToken({ scope: 'read' }, { lifetimeSeconds: -120 })),
      bearer(issuer.mintToken({ scope: 'other' })),
      { url },
      { url: 'https://api.example.com/.well-known/oauth-protected-resource' },
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 401, 401, 403, 401, 200])
    expect(answers.slice(0, 2).map(({ body }) => JSON.parse(body))).toEqual([
      ['alice', 'Bearer'],
      ['bob', 'DPoP'],
    ])
    expect(answers[2]?.challenge).toContain('DPoP error="invalid_dpop_proof"')
    expect(answers[3]?.challenge).toContain('Bearer error="invalid_token"')
    expect(answers[5]?.challenge).toContain('error="insufficient_scope", scope="read"')
    expect(answers[6]?.challenge).not.toContain('error')
    expect(JSON.parse(answers[7]?.body ?? '')).toMatchObject({ resource: 'https://api.example.com' })
  })

  it('verifies every algorithm it accepts by default', async () => {
    const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
    const tokens = algorithms.map((algorithm) => issuer.mintToken({ scope: 'read' }, { algorithm }))
    const answers = await run(
      tokens.map((token) => ({ url: 'https://api.example.com/me', headers: { authorization: `Bearer ${token}` } })),
    )
    expect(answers.map(({ status }) => status)).toEqual(algorithms.map(() => 200))
  })
})
