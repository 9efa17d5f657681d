import { describe, expect, it } from 'vitest'
import schema from '../../../schemas/auth-config.json' with { type: 'json' }
import { ConfigurationError } from '../../../src/errors/index.js'
import { type AuthConfigInput, isSecretReference, readAuthConfig } from '../../../src/login/auth-config.js'
import { jwkSet } from '../../support/key-material.js'
import { expectRules, type OptionRow } from '../../support/option-rules.js'

const corporate = { issuer: 'https://id.test', clientId: 'my-app' }
const input: AuthConfigInput = {
  $schema: './node_modules/portcullis/schemas/auth-config.json',
  defaultProvider: 'corporate',
  loopback: { port: 8400, timeoutSeconds: 60 },
  providers: {
    corporate,
    github: { preset: 'github', clientId: 'x', clientSecret: 'vault:github', tokenStore: 'file', mode: 'device' },
  },
}

describe('readAuthConfig', () => {
  it('[S1-80] [S1-81] gives the section of a provider as it was written, and the names in order', () => {
    const config = readAuthConfig(input)
    expect(config.provider('corporate')).toEqual(corporate)
    expect(config.provider('other')).toBeUndefined()
    expect(config.provider('__proto__')).toBeUndefined()
    expect(config.providerNames()).toEqual(['corporate', 'github'])
    expect(config.defaultProvider).toBe('corporate')
    expect(config.loopback).toEqual({ port: 8400, timeoutSeconds: 60 })
    expect([config.tokenStoreOf('corporate'), config.tokenStoreOf('github')]).toEqual(['keyring', 'file'])
  })

  it('[S1-81] takes a list of providers as well', () => {
    const config = readAuthConfig({
      tokenStore: 'memory',
      providers: [
        { name: 'b', ...corporate },
        { name: 'a', ...corporate },
      ],
    })
    expect(config.providerNames()).toEqual(['b', 'a'])
    expect(config.provider('a')).toEqual(corporate)
    expect(config.tokenStoreOf('a')).toBe('memory')
  })

  it('[S1-02] [S1-84] makes a provider, with overrides', async () => {
    const config = readAuthConfig(input)
    const provider = await config.createProvider('corporate', { scopes: ['openid'] })
    expect(provider).toMatchObject({ name: 'corporate', type: 'oidc', issuer: 'https://id.test', clientId: 'my-app' })
    expect(provider.scopes).toEqual(['openid'])
    await provider.close()
    await expect(config.createProvider('other')).rejects.toThrow('Known: corporate, github')
  })

  it('[S1-19] [S1-84] makes providers that are no OpenID providers of their endpoints', async () => {
    const endpoints = { authorization: 'https://o.test/a', token: 'https://o.test/t', userinfo: 'https://o.test/u' }
    for (const clientSecret of [undefined, 'secret']) {
      const config = readAuthConfig({
        providers: { plain: { type: 'oauth2', clientId: 'x', clientSecret, endpoints } },
      })
      const provider = await config.createProvider('plain')
      expect(provider).toMatchObject({ type: 'oauth2', discoveryMode: 'manual' })
      await provider.close()
    }
    const custom = readAuthConfig({
      providers: { full: { preset: 'custom', issuer: 'https://id.test', clientId: 'x' } },
    })
    await (await custom.createProvider('full')).close()
  })

  it('[S1-04] [S1-84] looks secrets up when they are used, and keeps none', async () => {
    const asked: string[] = []
    const vault = async (reference: string) => {
      asked.push(reference)
      return `canary-${reference}`
    }
    const headers = { 'x-gateway': 'vault://gateway', 'x-plain': 'text' }
    const providers = { corporate: { ...corporate, clientSecret: 'vault:main', headers } }
    const config = readAuthConfig({ providers }, { resolvers: { vault } })
    expect(asked).toEqual([])
    await (await config.createProvider('corporate')).close()
    expect(asked.sort()).toEqual(['gateway', 'main'])
    expect(JSON.stringify(config.provider('corporate'))).not.toContain('canary')
  })

  it('[S1-19] [S1-84] authenticates by the secret, and sends the header fields, that the references lead to', async () => {
    const endpoints = { authorization: 'https://o.test/a', token: 'https://o.test/t' }
    const vault = (reference: string) => `found-${reference}`
    const signIn = async (section: object) => {
      const sent: { form: URLSearchParams; headers: Headers }[] = []
      const fetch = (async (url, init) => {
        if (!String(url).endsWith('/t')) return Response.json({ sub: 'alice' })
        sent.push({ form: new URLSearchParams(String(init?.body)), headers: new Headers(init?.headers) })
        return Response.json({ access_token: 'a', token_type: 'Bearer', expires_in: 60 })
      }) as typeof globalThis.fetch
      const plain = {
        type: 'oauth2',
        clientId: 'x',
        endpoints: { ...endpoints, userinfo: 'https://o.test/u' },
      } as const
      const config = readAuthConfig({ providers: { plain: { ...plain, ...section } } }, { resolvers: { vault } })
      const provider = await config.createProvider('plain', { fetch, subject: 'sub' })
      const { transaction } = await provider.authorizationRequest({ redirectUri: 'http://127.0.0.1:7/callback' })
      await provider.redeem(new URLSearchParams({ code: 'c', state: transaction.state }), transaction)
      const [{ form, headers } = { form: new URLSearchParams(), headers: new Headers() }] = sent
      return [form.get('client_secret'), headers.get('x-gateway'), headers.get('x-plain')]
    }
    const headers = { 'x-gateway': 'vault:gateway', 'x-plain': 'text' }
    expect(await signIn({ clientSecret: 'vault:main', headers })).toEqual(['found-main', 'found-gateway', 'text'])
    expect(await signIn({ clientSecret: 'written' })).toEqual(['written', null, null])
    expect(await signIn({})).toEqual([null, null, null])
  })

  it('[S1-02] [S1-84] makes a provider by its preset, and of none an OpenID provider that authenticates by Basic', async () => {
    const authorizations: (string | null)[] = []
    const endpoints = { authorization: 'https://id.test/a', token: 'https://id.test/t', jwks: 'https://id.test/k' }
    const metadata = { issuer: 'https://id.test', jwks_uri: endpoints.jwks, response_types_supported: ['code'] }
    const fetch = (async (url, init) => {
      if (String(url).includes('/.well-known/')) return Response.json(metadata)
      if (String(url) === endpoints.jwks) return Response.json(jwkSet('k1'))
      authorizations.push(new Headers(init?.headers).get('authorization'))
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    }) as typeof globalThis.fetch
    const config = readAuthConfig({
      providers: {
        google: { preset: 'google', clientId: 'g', clientSecret: 's' },
        corporate: { ...corporate, clientSecret: 's', endpoints },
      },
    })
    expect(await config.createProvider('google')).toMatchObject({
      issuer: 'https://accounts.google.com',
      clientId: 'g',
    })
    const provider = await config.createProvider('corporate', { fetch })
    const { transaction } = await provider.authorizationRequest({ redirectUri: 'http://127.0.0.1:7/callback' })
    const callback = new URLSearchParams({ code: 'c', state: transaction.state })
    await expect(provider.redeem(callback, transaction)).rejects.toMatchObject({ code: 'ERR_INVALID_GRANT' })
    expect(authorizations).toContain(`Basic ${Buffer.from('my-app:s').toString('base64')}`)
  })

  it('[S1-84] names the header field whose reference leads to nothing', async () => {
    const providers = { corporate: { ...corporate, headers: { 'x-gateway': 'vault:gateway' } } }
    const config = readAuthConfig({ providers }, { resolvers: { vault: undefined as never } })
    await expect(config.createProvider('corporate')).rejects.toThrow(
      '`providers.corporate.headers.x-gateway`: the reference vault:gateway leads to nothing.',
    )
    expect(config.tokenStoreOf('unknown')).toBe('keyring')
  })

  it.each([
    ['env:NAME', {}],
    ['keyring:service/account', {}],
    ['vault:x', { vault: () => undefined }],
    ['vault:x', { vault: () => '' }],
  ])('[S1-84] names the reference %s that leads to nothing', async (clientSecret, resolvers) => {
    const config = readAuthConfig({ providers: { corporate: { ...corporate, clientSecret } } }, { resolvers })
    await expect(config.createProvider('corporate')).rejects.toThrow(
      `\`providers.corporate.clientSecret\`: the reference ${clientSecret} leads to nothing.`,
    )
  })

  const wrong: readonly [title: string, input: unknown, words: string][] = [
    ['no object', 'x', 'must be an object'],
    ['an unknown member', { providrs: {} }, 'Did you mean `providers`?'],
    ['no providers', {}, '`providers` takes'],
    ['empty providers', { providers: {} }, 'has no provider'],
    ['an unknown default', { defaultProvider: 'x', providers: { corporate } }, 'none of the providers: corporate'],
    [
      'an unknown member of a provider',
      { providers: { corporate: { ...corporate, isuer: 'x' } } },
      'Did you mean `issuer`?',
    ],
    ['no client', { providers: { corporate: { issuer: 'https://id.test' } } }, '`providers.corporate.clientId` takes'],
    ['a store that is none', { tokenStore: 'clipboard', providers: { corporate } }, '`tokenStore` takes one of'],
    ['a bad name', { providers: { 'Corp Orate': corporate } }, 'lower-case letters'],
    ['no name in a list', { providers: [corporate] }, 'lower-case letters'],
    [
      'a name twice',
      {
        providers: [
          { name: 'a', ...corporate },
          { name: 'a', ...corporate },
        ],
      },
      'two providers named a',
    ],
    ['pkce false', { providers: { corporate: { ...corporate, pkce: false } } }, 'cannot be switched off'],
    [
      'sslVerify false',
      { providers: { corporate: { ...corporate, sslVerify: false } } },
      'certificates are always checked',
    ],
    ['a loopback member', { loopback: { prot: 1 }, providers: { corporate } }, 'Did you mean `port`?'],
    ['a provider that is no object', { providers: { corporate: 5 } }, 'must be an object'],
    ['a list of nothing', { providers: [5] }, 'lower-case letters'],
  ]
  it.each(wrong)('[S1-80] refuses %s', (_, given, words) => {
    expect(() => readAuthConfig(given as never)).toThrow(ConfigurationError)
    expect(() => readAuthConfig(given as never)).toThrow(words)
  })
})

describe('the members of a configuration', () => {
  it('[S1-80] are held to their bounds', () => {
    const words = {
      store: "takes one of 'memory', 'file', 'encrypted', 'sops', 'keyring'.",
      text: 'takes a non-empty string.',
      map: 'takes an object of strings.',
    }
    const stores = ['memory', 'file', 'encrypted', 'sops', 'keyring']
    expectRules(
      [
        ['$schema', [undefined, 'a'], [5], words.text],
        ['defaultProvider', [undefined, 'corporate'], [5, ''], words.text],
        ['tokenStore', stores, ['disk'], words.store],
        ['loopback', [undefined, {}], [5], 'must be an object.'],
        [
          'loopback.host',
          ['127.0.0.1', '::1', 'localhost'],
          ['0.0.0.0'],
          "takes one of '127.0.0.1', '::1', 'localhost'.",
        ],
        ['loopback.port', [0, 65_535], [-1, 65_536], 'takes a whole number from 0 to 65535.'],
        ['loopback.portRange', [[1, 2]], [[1], [1, 2, 3], 5], 'takes the first and the last port.'],
        ['loopback.path', ['/a'], [''], words.text],
        ['loopback.timeoutSeconds', [1, 600], [0, 601], 'takes a whole number from 1 to 600.'],
        ['providers', [], [undefined, null, 5, 'x'], 'takes an object or a list of providers.'],
      ],
      (options) => readAuthConfig({ providers: { corporate }, ...options }),
    )
    const rows: OptionRow[] = [
      [
        'preset',
        ['google', 'github', 'microsoft', 'oidc', 'custom'],
        ['x'],
        "takes one of 'google', 'github', 'microsoft', 'oidc', 'custom'.",
      ],
      ['type', ['oidc', 'oauth2'], ['x'], "takes one of 'oidc', 'oauth2'."],
      ...['issuer', 'clientSecret', 'redirectUri', 'tenant', 'hostedDomain'].map(
        (name): OptionRow => [name, ['a'], ['', 5], words.text],
      ),
      ['clientId', ['a'], [undefined, ''], words.text],
      ['scopes', [[], ['a']], ['a'], 'takes an array of non-empty strings.'],
      ['endpoints', [{}], [5], 'takes an object.'],
      ['mode', ['auto', 'loopback', 'device', 'manual'], ['x'], "takes one of 'auto', 'loopback', 'device', 'manual'."],
      ['tokenStore', stores, ['disk'], words.store],
      ['headers', [{ a: 'b' }], [{ a: 1 }], words.map],
      ['parameters', [{ a: 'b' }], [{ a: 1 }], words.map],
      ['allowedTenants', ['any', ['a']], [5], 'takes a non-empty string or an array of them.'],
      ['allowInsecureLoopback', [true, false], ['x'], 'takes true or false.'],
    ]
    expectRules(
      rows.map(([name, ...row]) => [`providers.corporate.${name}`, ...row]),
      ({ providers }: { providers?: { corporate?: object } }) =>
        readAuthConfig({ providers: { corporate: { ...corporate, ...providers?.corporate } } }),
    )
    expect(() => readAuthConfig({ providers: { corporate } }, { resolver: {} } as never)).toThrow(
      'readAuthConfig has no option `resolver`. Did you mean `resolvers`?',
    )
    expect(() => readAuthConfig({ providers: { corporate } }, { resolvers: 5 } as never)).toThrow(
      '`resolvers` takes an object.',
    )
    expect(() => readAuthConfig('x' as never)).toThrow('The configuration must be an object.')
  })

  it('[S1-80] are refused in words', () => {
    const at = 'providers.corporate'
    for (const [section, message] of [
      [{ pkce: true }, `\`${at}.pkce\`: PKCE is always used and cannot be switched off; leave it out.`],
      [
        { sslVerify: true },
        `\`${at}.sslVerify\`: certificates are always checked. For a private CA set NODE_EXTRA_CA_CERTS, or give \`caFetch\`.`,
      ],
      [{ isuer: 'x' }, `\`${at}\` has no option \`isuer\`. Did you mean \`issuer\`?`],
    ] as const) {
      const given = { providers: { corporate: { ...corporate, ...section } } }
      expect(() => readAuthConfig(given as never)).toThrow(new ConfigurationError(message))
    }
    for (const name of ['a', '0', `a${'b'.repeat(63)}`, 'a-b_c']) {
      expect(readAuthConfig({ providers: { [name]: corporate } }).providerNames()).toEqual([name])
    }
    for (const name of ['', '-a', '_a', 'A', 'a.b', `a${'b'.repeat(64)}`, ' a', 'a ']) {
      expect(() => readAuthConfig({ providers: { [name]: corporate } })).toThrow(
        'The name of a provider has 1 to 64 lower-case letters, digits, - and _.',
      )
    }
    expect(() => readAuthConfig({ defaultProvider: 'x', providers: { a: corporate, b: corporate } })).toThrow(
      '`defaultProvider` is none of the providers: a, b.',
    )
    expect(() => readAuthConfig({ providers: {} })).toThrow('`providers` has no provider.')
  })

  it('[S1-84] are frozen, and are references where a resolver knows their scheme, or is ours', () => {
    const config = readAuthConfig({ loopback: { port: 1 }, providers: { corporate } })
    expect([config, config.loopback, config.provider('corporate')].every(Object.isFrozen)).toBe(true)
    const resolvers = { vault: () => 'x' }
    const references = ['env:A', 'file:a', 'sops://a#b', 'keyring:a/b', 'vault:a', 'vault:a\nb']
    const texts = ['', 'env', 'env:', 'ENV:a', ' env:a', 'other:a', 'a env:b', 'toString:a', '1env:a']
    expect(references.filter((text) => isSecretReference(text, resolvers))).toEqual(references)
    expect(texts.filter((text) => isSecretReference(text, resolvers))).toEqual([])
    expect(isSecretReference('vault:a')).toBe(false)
  })
})

describe('schemas/auth-config.json', () => {
  /** The names that the reader knows, as its message for an unknown one lists them. */
  function knownNames(given: unknown): string[] {
    try {
      readAuthConfig(given as never)
      return []
    } catch (error) {
      return /Known options: (.*)\.$/.exec((error as Error).message)?.[1]?.split(', ') ?? []
    }
  }

  it('has the members that the reader takes', () => {
    const { config, provider, loopback } = schema.$defs
    expect(Object.keys(config.properties)).toEqual(knownNames({ zzzzzzzzzz: 1 }))
    expect(Object.keys(provider.properties)).toEqual(knownNames({ providers: { a: { zzzzzzzzzz: 1 } } }))
    expect(Object.keys(loopback.properties)).toEqual(
      knownNames({ loopback: { zzzzzzzzzz: 1 }, providers: { a: corporate } }),
    )
  })

  it('has the values that the reader takes', () => {
    const { provider, loopback } = schema.$defs
    for (const [name, property] of Object.entries(provider.properties)) {
      for (const value of 'enum' in property ? property.enum : []) {
        const given = { providers: { a: { ...corporate, [name]: value } } } as AuthConfigInput
        expect(() => readAuthConfig(given), `${name} ${value}`).not.toThrow()
      }
    }
    for (const host of loopback.properties.host.enum) {
      const given = { loopback: { host }, providers: { a: corporate } } as AuthConfigInput
      expect(() => readAuthConfig(given)).not.toThrow()
    }
  })
})
