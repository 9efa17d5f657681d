import { afterAll, describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../../src/testing/index.js'
import { offCurveJwk } from '../../support/key-material.js'
import { runInProcess } from '../../support/run-command.js'

const issuer = createTestIssuer({ issuer: 'https://id.example.com/realms/main', algorithms: ['ES256', 'RS256'] })
afterAll(() => issuer.close())
const { fetch } = issuer

function answering(answers: Record<string, () => Response>) {
  return async (url: string) => (answers[url] ?? (() => new Response('', { status: 404 })))()
}

const host = 'https://id.test'
const wellKnown = `${host}/.well-known/oauth-authorization-server`

describe('portcullis discover', () => {
  it('[S1-71] shows the metadata, and which addresses were asked', async () => {
    const result = await runInProcess(['discover', issuer.issuer], { fetch })
    expect(result.exitCode).toBe(0)
    expect(result.stdout).toContain('token_endpoint')
    expect(result.stderr).toContain(
      'found  https://id.example.com/.well-known/oauth-authorization-server/realms/main  200',
    )
    const json = await runInProcess(['discover', issuer.issuer, '--json'], { fetch })
    expect(JSON.parse(json.stdout)).toMatchObject({
      issuer: issuer.issuer,
      metadata: { issuer: issuer.issuer },
      attempts: [{ status: 200 }],
    })
    const quiet = await runInProcess(['discover', issuer.issuer, '--quiet'], { fetch })
    expect(quiet.stderr).not.toContain('found')
  })

  it('[S1-71] names what is missing', async () => {
    const bare = answering({ [wellKnown]: () => Response.json({ issuer: host }) })
    const result = await runInProcess(['discover', host], { fetch: bare })
    expect(result.stderr).toContain('missing: authorization_endpoint, token_endpoint, jwks_uri')
    expect(result.stderr).toContain('PKCE with S256 is not advertised')
    const full = { issuer: host, code_challenge_methods_supported: ['S256'], jwks_uri: 'x' }
    const { stderr } = await runInProcess(['discover', host], {
      fetch: answering({ [wellKnown]: () => Response.json(full) }),
    })
    expect(stderr).not.toContain('PKCE')
  })

  it.each([
    ['nothing there', {}, 1, 'error status'],
    ['another issuer', { [wellKnown]: () => Response.json({ issuer: `${host}/` }) }, 1, 'names another issuer'],
    ['a server that fails', { [wellKnown]: () => new Response('', { status: 500 }) }, 2, 'error status'],
  ])('[S1-71] tells %s', async (_, answers, exitCode, words) => {
    const result = await runInProcess(['discover', host], { fetch: answering(answers) })
    expect(result.exitCode).toBe(exitCode)
    expect(result.stderr).toContain(words)
    expect(result.stdout).toBe('')
    const json = await runInProcess(['discover', host, '--json'], { fetch: answering(answers) })
    expect(JSON.parse(json.stdout)).toMatchObject({ missing: [] })
  })

  it.each([['ftp://x'], ['nonsense'], ['http://id.test'], [`${host}/?a=b`]])(
    '[S1-71] refuses the URL %s',
    async (url) => {
      expect((await runInProcess(['discover', url])).exitCode).toBe(2)
    },
  )
})

describe('portcullis keys', () => {
  it('[S1-71] shows each key with its thumbprint', async () => {
    const result = await runInProcess(['keys', issuer.issuer], { fetch })
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    expect(result.stdout).toMatch(
      /^es256-1 {2}EC P-256 {2}ES256 {2}[\w-]{43}\nrs256-2 {2}RSA 2048 bits {2}RS256 {2}[\w-]{43}\n$/,
    )
  })

  it('[S1-71] says of each key why it cannot verify, and answers no where none can', async () => {
    const junk = [5, { kty: 'oct', k: 'x', kid: 'shared' }, offCurveJwk('bent'), { kid: 7 }]
    const answers = answering({ [`${host}/jwks`]: () => Response.json({ keys: junk }) })
    const result = await runInProcess(['keys', `${host}/jwks`, '--jwks-uri'], { fetch: answers })
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('(no kid)  not usable: not a JSON object')
    expect(result.stdout).toContain('shared  not usable: holds private or symmetric key material')
    expect(result.stdout).toContain('bent  not usable: the point does not lie on its curve')
    const json = await runInProcess(['keys', `${host}/jwks`, '--jwks-uri', '--json'], { fetch: answers })
    expect(JSON.parse(json.stdout)).toMatchObject({
      jwksUri: `${host}/jwks`,
      keys: [{}, { kid: 'shared' }, { kid: 'bent' }, {}],
    })
  })

  it('[S1-71] shows keys that name no algorithm', async () => {
    const { alg: _, ...jwk } = issuer.publishedKeys()[0] as { alg: string }
    const answers = answering({ [`${host}/jwks`]: () => Response.json({ keys: [jwk] }) })
    expect((await runInProcess(['keys', `${host}/jwks`, '--jwks-uri'], { fetch: answers })).stdout).toContain(
      '(any alg)',
    )
  })

  it.each([
    [[host], 'or give the key set itself with --jwks-uri'],
    [[`${host}/jwks`, '--jwks-uri'], 'error status'],
    [['nonsense', '--jwks-uri'], 'https URL'],
    [[], 'URL is missing'],
  ])('[S1-71] cannot tell from %j', async (args, words) => {
    const result = await runInProcess(['keys', ...args], { fetch: answering({}) })
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain(words)
    const found = answering({ [wellKnown]: () => Response.json({ issuer: host }) })
    expect((await runInProcess(['keys', host], { fetch: found })).stderr).toContain('no `jwks_uri`')
  })
})
