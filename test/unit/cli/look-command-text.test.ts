import { describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../../src/testing/index.js'
import { offCurveJwk } from '../../support/key-material.js'
import { runInProcess } from '../../support/run-command.js'

const host = 'https://id.test'
const wellKnown = `${host}/.well-known/oauth-authorization-server`
const openid = `${host}/.well-known/openid-configuration`

function answering(answers: Record<string, () => Response>) {
  const asked: string[] = []
  const fetch = async (url: string) => {
    asked.push(url)
    return (answers[url] ?? (() => new Response('', { status: 404 })))()
  }
  return { asked, fetch }
}

const complete = {
  issuer: host,
  authorization_endpoint: `${host}/authorize`,
  token_endpoint: `${host}/token`,
  jwks_uri: `${host}/jwks`,
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
}

describe('what discover writes', () => {
  it('[S1-71] of a server that says all there is to say: the metadata, and where it was', async () => {
    const { fetch } = answering({ [openid]: () => Response.json(complete) })
    expect(await runInProcess(['discover', host], { fetch })).toEqual({
      exitCode: 0,
      stderr: `asked  ${wellKnown}  404\nfound  ${openid}  200\n`,
      stdout: `  issuer                            ${host}
  authorization_endpoint            ${host}/authorize
  token_endpoint                    ${host}/token
  jwks_uri                          ${host}/jwks
  response_types_supported          ["code"]
  code_challenge_methods_supported  ["S256"]
`,
    })
  })

  it('[S1-71] of a server that leaves things out: their names', async () => {
    const { token_endpoint: _t, code_challenge_methods_supported: _c, ...rest } = complete
    const { fetch } = answering({ [wellKnown]: () => Response.json(rest) })
    const { stderr } = await runInProcess(['discover', host], { fetch })
    expect(stderr).toBe(
      `found  ${wellKnown}  200\nmissing: token_endpoint\nPKCE with S256 is not advertised (RFC 7636)\n`,
    )
    const json = await runInProcess(['discover', host, '--json'], { fetch })
    expect(JSON.parse(json.stdout).missing).toEqual(['token_endpoint'])
    expect(json.stderr).toBe('')
  })

  it('[S1-71] of an address without a server: every address that was asked, and why there is nothing', async () => {
    const { fetch } = answering({})
    expect((await runInProcess(['discover', host], { fetch })).stderr).toBe(
      `asked  ${wellKnown}  404\nasked  ${openid}  404\nno metadata: it answers with an error status\n`,
    )
  })
})

describe('what keys writes', () => {
  it('[S1-71] of each key, whether it can serve', async () => {
    const keys = [5, { kty: 'oct', k: 'x', kid: 'shared' }, offCurveJwk('bent'), { kid: 7 }]
    const { fetch } = answering({ [`${host}/jwks`]: () => Response.json({ keys }) })
    const { stdout } = await runInProcess(['keys', `${host}/jwks`, '--jwks-uri', '--json'], { fetch })
    expect(JSON.parse(stdout)).toEqual({
      jwksUri: `${host}/jwks`,
      keys: [
        { refused: 'not a JSON object' },
        { kid: 'shared', refused: 'holds private or symmetric key material' },
        { kid: 'bent', refused: 'the point does not lie on its curve' },
        { refused: expect.any(String) },
      ],
    })
  })

  it('[S1-71] where there is no key set: what else could be given', async () => {
    const { fetch } = answering({ [wellKnown]: () => Response.json({ issuer: host }) })
    const { stderr } = await runInProcess(['keys', host], { fetch })
    expect(stderr).toMatch(/^portcullis: no key set: .*`jwks_uri`.*; or give the key set itself with --jwks-uri\n$/)
  })
})

describe('a server on a private network', () => {
  const inside = 'https://10.1.2.3'
  const found = { ...complete, issuer: inside, jwks_uri: `${inside}/jwks` }
  const issuer = createTestIssuer()
  const answers = {
    [`${inside}/.well-known/oauth-authorization-server`]: () => Response.json(found),
    [`${inside}/jwks`]: () => Response.json({ keys: issuer.publishedKeys() }),
  }

  it.each([[['discover', inside]], [['keys', inside]], [['keys', `${inside}/jwks`, '--jwks-uri']]])(
    '[S1-71] is asked where a person typed its address: %j',
    async (args) => {
      expect(await runInProcess(args, { fetch: answering(answers).fetch })).toMatchObject({ exitCode: 0 })
    },
  )

  it('[S1-71] is not asked where another server names it as the place of its keys', async () => {
    const { fetch, asked } = answering({
      ...answers,
      [wellKnown]: () => Response.json({ ...complete, jwks_uri: `${inside}/jwks` }),
    })
    expect(await runInProcess(['keys', host], { fetch })).toMatchObject({ exitCode: 2 })
    expect(asked).toEqual([wellKnown])
  })
})

describe('a URL that is none', () => {
  it.each([
    [['discover', 'ftp://x'], '`URL` takes'],
    [['keys', 'nonsense', '--jwks-uri'], '`URL` takes'],
    [['fetch', 'nonsense'], '`URL` takes'],
  ])('[S1-71] is named by %j', async (args, words) => {
    const { exitCode, stderr } = await runInProcess(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(words)
  })
})
