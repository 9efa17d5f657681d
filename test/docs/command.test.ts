import { createTestIssuer } from 'portcullis/testing'
import { expect, it } from 'vitest'
import { runInProcess } from '../support/run-command.js'
import { commandPage } from './command-page.js'
import { read } from './markdown.js'

const atMs = Date.UTC(2026, 10, 21, 20, 0, 0)

/** An ID token of Keycloak, sent to an API: what the terminal shows. */
async function recordCheck(): Promise<string> {
  const clock = () => atMs
  const issuer = createTestIssuer({ issuer: 'https://id.example.com/realms/main', clock })
  const claims = { aud: 'my-app', azp: 'my-app', typ: 'ID', at_hash: 'x', client_id: undefined, scope: undefined }
  const stdin = issuer.mintToken(claims, { header: { typ: 'JWT' } })
  await issuer.close()
  const args = ['check', '-', '--issuer', issuer.issuer, '--audience', 'https://api.example.com']
  const { stdout, exitCode } = await runInProcess(args, { stdin, clock })
  expect(exitCode).toBe(1)
  return `$ portcullis ${args.join(' ')} < token.txt\n${stdout}`
}

it('[S1-70] docs/command.md shows what the command says; `npx vitest run test/docs/command.test.ts -u` writes it', async () => {
  const [text = ''] = read('docs/command.md').split('## What it says')
  await expect(commandPage(text, await recordCheck())).toMatchFileSnapshot('../../docs/command.md')
})
