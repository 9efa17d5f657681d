import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AsyncEntry } from '@napi-rs/keyring'
import { loadAuthConfig } from 'portcullis/native'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasSecretService, type SecretService, startSecretService } from '../support/secret-service.js'
import { createAgeKey, encryptFile, hasSops } from '../support/sops.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const issuer = 'https://id.example.com'
const secret = `canary-${randomUUID()}`

/** A configuration of one confidential client, in a folder of its own. */
async function configurationWith(clientSecret: string, folder: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'portcullis.json')
  const corporate = { issuer, clientId: 'my-app', clientSecret }
  writeFileSync(file, JSON.stringify({ tokenStore: 'memory', providers: { corporate } }), { mode: 0o600 })
  return loadAuthConfig({ file, env })
}

/** The secret that the provider of a configuration shows to the server. */
async function secretSent(config: Awaited<ReturnType<typeof configurationWith>>): Promise<string> {
  const seen: string[] = []
  const metadata = { issuer, token_endpoint: `${issuer}/token`, authorization_endpoint: `${issuer}/authorize` }
  const provider = await config.createProvider('corporate', {
    fetch: async (_url, { method, headers }) => {
      if (method !== 'POST') return Response.json(metadata)
      const [, basic = ''] = new Headers(headers).get('authorization')?.split(' ') ?? []
      seen.push(Buffer.from(basic, 'base64').toString().split(':')[1] ?? '')
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    },
  })
  await provider.preflight({ checkClient: true })
  await provider.close()
  expect(new Set(seen).size).toBe(1)
  return seen[0] as string
}

describe.runIf(hasSops('references to files of SOPS'))('references to files of a real sops', () => {
  const age = createAgeKey()

  async function encrypted(name: string, content: string): Promise<string> {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, name), encryptFile(age, name, content))
    return folder
  }

  const files: readonly [name: string, content: string, path: string][] = [
    ['secrets.yaml', `github:\n  secret: ${secret}\n`, 'github.secret'],
    ['secrets.json', JSON.stringify({ github: { secret } }), 'github.secret'],
    ['secrets.env', `GITHUB_SECRET=${secret}\n`, 'GITHUB_SECRET'],
  ]
  it.each(files)('[S1-84] [S1-03] opens %s and sends the member to the server', async (name, content, path) => {
    const folder = await encrypted(name, content)
    expect(await secretSent(await configurationWith(`sops://${name}#${path}`, folder, age.env))).toBe(secret)
  })

  it('[S1-84] [A9] names the reference that leads to nothing, and no secret of the file', async () => {
    const folder = await encrypted('secrets.yaml', `github:\n  secret: ${secret}\n`)
    const absent = (await configurationWith('sops://secrets.yaml#gitlab.secret', folder, age.env)).createProvider(
      'corporate',
    )
    await expect(absent).rejects.toThrow('sops://secrets.yaml#gitlab.secret leads to nothing')
    await expect(absent).rejects.not.toThrow(secret)
  })

  it('[S1-84] [A9] says that sops does not open a file that another key encrypted', async () => {
    const folder = await encrypted('secrets.yaml', `github:\n  secret: ${secret}\n`)
    const config = await configurationWith('sops://secrets.yaml#github.secret', folder, createAgeKey().env)
    const locked = config.createProvider('corporate')
    await expect(locked).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    await expect(locked).rejects.toThrow(/^sops does not open .*secrets\.yaml/)
    await expect(locked).rejects.not.toThrow(secret)
  })
})

describe.runIf(hasSecretService('references to the keyring'))('references to a real Secret Service', () => {
  let service: SecretService

  beforeAll(async () => {
    service = await startSecretService('unlocked')
    Object.assign(process.env, service.env)
  })

  afterAll(() => service?.stop())

  it('[S1-84] [S1-03] sends the entry of the keyring to the server, and names one that is not there', async () => {
    const name = `portcullis-test-${randomUUID()}`
    await new AsyncEntry(name, 'github', { linux: { store: 'secret-service' } }).setPassword(secret)
    const folder = await temporaryFolder()
    expect(await secretSent(await configurationWith(`keyring:${name}/github`, folder))).toBe(secret)
    const absent = (await configurationWith(`keyring:${name}/gitlab`, folder)).createProvider('corporate')
    await expect(absent).rejects.toThrow(`keyring:${name}/gitlab leads to nothing`)
    await expect(absent).rejects.not.toThrow(secret)
  })
})
