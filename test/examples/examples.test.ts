import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange } from '../support/http-exchange.js'

const root = resolve(import.meta.dirname, '../..')
const examples = readdirSync(resolve(root, 'examples')).filter((name) => name.endsWith('.ts'))
const issuer = createTestIssuer({ audience: 'https://api.example.com' })

beforeAll(() => issuer.listen())
afterAll(() => issuer.close())

/** Runs an example from the sources as they are; `tsconfig.json` beside this file leads `portcullis` to them. */
function start(name: string): ChildProcess {
  const program = resolve(root, 'examples', name)
  return spawn(process.execPath, ['--import', 'tsx', program, issuer.issuer, '0'], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: resolve(import.meta.dirname, 'tsconfig.json') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** What the program prints once it listens. */
async function originOf(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout ?? []) {
    output += chunk
    if (output.includes('\n')) return output.trim()
  }
  throw new Error(`ended early: ${await child.stderr?.toArray()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

describe.each(examples)('examples/%s', (name) => {
  it('tells a caller without a token where to find one, and serves the one with a token', async () => {
    const child = start(name)
    try {
      const origin = await originOf(child)
      const refused = await exchange(origin, { path: '/me' })
      expect(refused.status).toBe(401)
      const metadataUrl = 'https://api.example.com/.well-known/oauth-protected-resource'
      expect(refused.fields('WWW-Authenticate').join()).toContain(`resource_metadata="${metadataUrl}"`)
      const { body } = await exchange(origin, { path: new URL(metadataUrl).pathname })
      expect(JSON.parse(body).authorization_servers).toEqual([issuer.issuer])

      const token = issuer.mintToken({ sub: 'alice', scope: 'profile' })
      const fields = [['Authorization', `Bearer ${token}`]] as const
      const me = await exchange(origin, { path: '/me', fields })
      expect(JSON.parse(me.body)).toEqual({ subject: 'alice', scopes: ['profile'] })
      const known = await exchange(origin, { path: '/hello', fields })
      expect(JSON.parse(known.body)).toEqual({ hello: 'alice' })
      const unknown = await exchange(origin, { path: '/hello' })
      expect(JSON.parse(unknown.body)).toEqual({ hello: 'stranger' })
    } finally {
      await stop(child)
    }
  }, 60_000)
})
