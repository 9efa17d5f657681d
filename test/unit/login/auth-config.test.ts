import { describe, expect, it } from 'vitest'
import schema from '../../../schemas/auth-config.json' with { type: 'json' }
import { ConfigurationError } from '../../../src/errors/index.js'
import { type AuthConfigInput, readAuthConfig } from '../../../src/login/auth-config.js'

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
