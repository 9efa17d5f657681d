import { spawnSync } from 'node:child_process'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { createTestIssuer } from '../../src/testing/index.js'
import { type BuiltCommand, buildCommand } from '../support/built-command.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const issuer = createTestIssuer()
let command: BuiltCommand

beforeAll(async () => {
  command = await buildCommand()
})

afterAll(async () => {
  command.remove()
  await issuer.close()
})

describe('the command as a process', () => {
  it('[S1-70] reads stdin, the environment and arguments, and ends with the exit code', async () => {
    await issuer.listen()
    const token = issuer.mintToken()
    const good = await command.run(['check', '-', '--issuer', issuer.issuer], { input: token })
    expect(good).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('access token: good') })
    const env = { PORTCULLIS_TOKEN: token }
    expect(await command.run(['check', '--quiet'], { env })).toMatchObject({ exitCode: 2, stderr: '' })
    const bad = issuer.mintToken({}, { tamper: 'signature' })
    expect(await command.run(['check', '-', '--issuer', issuer.issuer], { input: bad })).toMatchObject({ exitCode: 1 })
  })

  it('[S1-70] tells its version, and has no colour without a terminal', async () => {
    expect(await command.run(['--version'])).toEqual({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' })
    const { stdout } = await command.run(['check', 'a.b.c'])
    expect(stdout).not.toContain('\u001b')
  })

  it('[A14] [S1-71] waits for an answer that does not come, and says so', async () => {
    const folder = await temporaryFolder()
    const config = join(folder, 'portcullis.json')
    const corporate = { issuer: 'http://127.0.0.1:1', clientId: 'my-app', allowInsecureLoopback: true }
    writeFileSync(config, JSON.stringify({ tokenStore: 'memory', providers: { corporate } }), { mode: 0o600 })
    const tried = await command.run(['preflight', '--config', config])
    expect(tried).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('FAIL  discovery') })
  })

  it.runIf(existsSync('/dev/full'))(
    '[A14] [S1-70] does not say that it is done where the output cannot be written',
    () => {
      const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const
      const { status, stderr } = spawnSync(process.execPath, [command.script, '--version'], { stdio: [...stdio] })
      expect(String(stderr)).toBe('portcullis: the output cannot be written (ENOSPC)\n')
      expect(status).toBe(2)
    },
  )

  it('[S1-70] loads neither keyring, nor sops, nor a browser, nor the client to check a token', async () => {
    const { exitCode, stderr } = await command.run(['check', '-'], {
      input: issuer.mintToken({ typ: 'ID' }, { header: { typ: 'JWT' } }),
      env: { NODE_DEBUG: 'esm,module' },
    })
    expect(exitCode).toBe(1)
    const debugged = stderr.replaceAll(dirname(dirname(process.execPath)), 'node')
    const loaded = [
      ...new Set([...debugged.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)/g)].map(([, name]) => name)),
    ]
    expect(loaded).toEqual(['ipaddr.js'])
    expect(stderr).not.toContain('child_process')
  })
})
