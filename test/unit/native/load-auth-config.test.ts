import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configFiles, loadAuthConfig } from '../../../src/native/load-auth-config.js'

const opened = vi.hoisted((): FileHandle[] => [])
vi.mock('node:fs/promises', async (original) => {
  const platform = await original<typeof import('node:fs/promises')>()
  return {
    ...platform,
    async open(...about: Parameters<typeof platform.open>) {
      const handle = await platform.open(...about)
      opened.push(handle)
      return handle
    },
  }
})

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'portcullis-config-'))
})
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true })
})

const providers = { corporate: { issuer: 'https://id.test', clientId: 'my-app' } }

function put(name: string, content: unknown, mode = 0o600): string {
  const path = join(cwd, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  chmodSync(path, mode)
  return path
}

describe('loadAuthConfig', () => {
  it('[S1-03] [S1-80] reads the first file there is, and no other', async () => {
    const env = { XDG_CONFIG_HOME: cwd }
    const load = async () => (await loadAuthConfig({ cwd, env })).file
    await expect(load()).rejects.toThrow(`There is no configuration. Looked for ${join(cwd, 'portcullis.json')},`)
    await expect(load()).rejects.toThrow('As JSON: {"providers":{"corporate":{"issuer"')
    const home = put(
      'portcullis/config.yml',
      'providers: { corporate: { issuer: "https://id.test", clientId: my-app } }',
    )
    expect(await load()).toBe(home)
    const yaml = put('portcullis.yml', 'providers: { a: { issuer: "https://id.test", clientId: my-app } }')
    expect(await load()).toBe(yaml)
    const json = put('portcullis.json', { providers })
    expect(await load()).toBe(json)
    const named = put('other.json', { auth: { providers, defaultProvider: 'corporate' } })
    const byVariable = await loadAuthConfig({ cwd, env: { ...env, PORTCULLIS_CONFIG: 'other.json' } })
    expect(byVariable).toMatchObject({ file: named, defaultProvider: 'corporate', warnings: [] })
    expect((await loadAuthConfig({ cwd, file: 'portcullis.yml', env: { PORTCULLIS_CONFIG: named } })).file).toBe(yaml)
  })

  it('closes the file, also one that it refuses', async () => {
    const files = [put('good.json', { providers }), put('open-to-others.json', { providers }, 0o666)]
    opened.length = 0
    await Promise.allSettled(files.map((file) => loadAuthConfig({ file })))
    expect(opened.map(({ fd }) => fd)).toEqual([-1, -1])
  })

  it('[S1-03] looks where each system keeps configurations', () => {
    const cwd = '/work'
    expect(configFiles({ cwd, platform: 'linux' })).toContain(join(homedir(), '.config/portcullis/config.json'))
    expect(configFiles({ cwd, platform: 'darwin', env: { XDG_CONFIG_HOME: 'relative' } })).toContain(
      join(homedir(), '.config/portcullis/config.yml'),
    )
    expect(configFiles({ cwd, platform: 'win32', env: { APPDATA: '/roaming' } })).toContain(
      '/roaming/portcullis/config.json',
    )
    expect(configFiles({ cwd, platform: 'win32' })).toContain(join(homedir(), 'AppData/Roaming/portcullis/config.json'))
    expect(configFiles({})[0]).toBe(join(process.cwd(), 'portcullis.json'))
  })

  it('[S1-03] takes the spellings of other tools', async () => {
    const section = {
      ...{ provider: 'custom', client_id: 'x', client_secret: 'env:SECRET', redirect_uri: 'https://app.test/cb' },
      ...{
        authorize_url: 'https://o.test/a',
        token_url: 'https://o.test/t',
        jwks_uri: 'https://o.test/k',
        extra: { a: 'b' },
      },
      ...{ issuer: 'https://o.test', endpoints: { revocation: 'https://o.test/r' }, token_store: 'file' },
    }
    put('portcullis.json', {
      token_store: 'memory',
      default_provider: 'my_idp',
      loopback: { port_range: [8400, 8410] },
      providers: { my_idp: section },
    })
    const config = await loadAuthConfig({ cwd })
    expect(config.providerNames()).toEqual(['my_idp'])
    expect(config.loopback).toEqual({ portRange: [8400, 8410] })
    expect(config.provider('my_idp')).toEqual({
      ...{
        preset: 'custom',
        clientId: 'x',
        clientSecret: 'env:SECRET',
        redirectUri: 'https://app.test/cb',
        tokenStore: 'file',
      },
      ...{ issuer: 'https://o.test', parameters: { a: 'b' } },
      endpoints: {
        authorization: 'https://o.test/a',
        token: 'https://o.test/t',
        jwks: 'https://o.test/k',
        revocation: 'https://o.test/r',
      },
    })
    put('portcullis.json', { providers: [{ name: 'a', client_id: 'x', issuer: 'https://o.test' }] })
    expect((await loadAuthConfig({ cwd })).provider('a')).toEqual({ clientId: 'x', issuer: 'https://o.test' })
  })

  it.each([
    ['authorize_url', 'authorization'],
    ['authorization_endpoint', 'authorization'],
    ['token_url', 'token'],
    ['token_endpoint', 'token'],
    ['revoke_url', 'revocation'],
    ['revocation_endpoint', 'revocation'],
    ['userinfo_url', 'userinfo'],
    ['userinfo_endpoint', 'userinfo'],
    ['end_session_endpoint', 'endSession'],
    ['device_authorization_endpoint', 'deviceAuthorization'],
    ['jwks_uri', 'jwks'],
  ])('[S1-03] takes %s for the endpoint %s', async (name, endpoint) => {
    put('portcullis.json', { providers: { a: { client_id: 'x', [name]: 'https://o.test/e' } } })
    expect((await loadAuthConfig({ cwd })).provider('a')).toEqual({
      ...{ clientId: 'x', endpoints: { [endpoint]: 'https://o.test/e' } },
    })
  })

  it('[S1-03] takes the spellings of other tools in a section `auth` too', async () => {
    const providers = { my_idp: { client_id: 'x', extra_params: { a: 'b' }, issuer: 'https://o.test' } }
    put('portcullis.json', { auth: { default_provider: 'my_idp', providers } })
    const config = await loadAuthConfig({ cwd })
    expect(config.defaultProvider).toBe('my_idp')
    expect(config.provider('my_idp')).toEqual({ clientId: 'x', parameters: { a: 'b' }, issuer: 'https://o.test' })
  })

  it.each([
    [{ providers: { a: { clientId: 'x', ssl_verify: false } } }, 'certificates are always checked'],
    [{ providers: { a: { clientId: 'x', use_pkce: false } } }, 'cannot be switched off'],
    [{ providers: { a: 5 } }, 'must be an object'],
    [{ providers: [5] }, 'lower-case letters'],
    ['[1]', 'is not an object'],
    ['providers: { a: { issuer: "https://id.test", clientId: my-app } }', 'cannot be parsed'],
    ['{ "clientSecret": "canary', 'cannot be parsed'],
  ])('[S1-03] refuses %j', async (content, words) => {
    put('portcullis.json', content)
    const failure = loadAuthConfig({ cwd })
    await expect(failure).rejects.toThrow(words)
    await expect(failure).rejects.not.toThrow('canary')
  })

  it('[S1-03] refuses YAML that does not parse, and aliases that explode', async () => {
    put('portcullis.yml', 'a: [canary')
    await expect(loadAuthConfig({ cwd })).rejects.toThrow('cannot be parsed')
    put('portcullis.yml', 'a: &a [1]\nb: *a')
    await expect(loadAuthConfig({ cwd })).rejects.toThrow('cannot be parsed')
  })

  it('[S1-03] refuses a file that others may write, and one that is none', async () => {
    put('portcullis.json', { providers }, 0o666)
    await expect(loadAuthConfig({ cwd })).rejects.toThrow("chmod go-w '")
    await expect(loadAuthConfig({ file: cwd })).rejects.toThrow('is not a file')
    await expect(loadAuthConfig({ cwd, file: 'absent.json' })).rejects.toThrow('cannot be read (ENOENT)')
    await expect(loadAuthConfig({ file: 5 as never })).rejects.toThrow('`file` takes')
    await expect(loadAuthConfig({ fil: 'x' } as never)).rejects.toThrow('loadAuthConfig has no option `fil`')
  })

  it('[S1-03] reads up to a mebibyte, and no more', async () => {
    const text = JSON.stringify({ providers })
    put('portcullis.json', text.padEnd(1_048_576))
    expect((await loadAuthConfig({ cwd })).providerNames()).toEqual(['corporate'])
    put('portcullis.json', text.padEnd(1_048_577))
    await expect(loadAuthConfig({ cwd })).rejects.toThrow('of at most 1048576 bytes')
  })

  it.each([
    [0o600, 0],
    [0o640, 1],
    [0o604, 1],
  ])('[S1-03] tells whether others can read a secret in a file of mode %o', async (mode, count) => {
    put('portcullis.json', { providers: { a: { clientId: 'x', clientSecret: 'canary' } } }, mode)
    expect((await loadAuthConfig({ cwd })).warnings).toHaveLength(count)
  })

  it('[S1-03] warns of secrets in a file that others can read, and names none', async () => {
    const secrets = {
      a: { clientId: 'x', clientSecret: 'canary' },
      b: { clientId: 'x', clientSecret: 'env:B' },
      c: { clientId: 'x' },
    }
    put('portcullis.json', { providers: secrets }, 0o644)
    const { warnings } = await loadAuthConfig({ cwd })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('providers.a.clientSecret')
    expect(warnings.join()).not.toContain('canary')
  })

  it('[S1-84] finds secrets by reference, relative to the file', async () => {
    put('conf/secret.txt', 'from-file\n')
    const read: string[] = []
    const vault = (reference: string) => {
      read.push(reference)
      return 'from-vault'
    }
    const section = { issuer: 'https://id.test', clientId: 'x' }
    put('conf/portcullis.json', {
      providers: {
        a: { ...section, clientSecret: 'env:SECRET' },
        b: { ...section, clientSecret: 'file:secret.txt' },
        c: { ...section, clientSecret: 'vault:x' },
        d: { ...section, clientSecret: 'env:ABSENT' },
      },
    })
    const config = await loadAuthConfig({
      cwd,
      file: 'conf/portcullis.json',
      env: { SECRET: 's' },
      resolvers: { vault },
    })
    for (const name of ['a', 'b', 'c']) await (await config.createProvider(name)).close()
    await expect(config.createProvider('d')).rejects.toThrow('env:ABSENT leads to nothing')
    expect(read).toEqual(['x'])
  })
})
