import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resourceUrl, type SimulatedNetwork, simulateNetwork } from '../../support/protected-resource.js'
import { type CommandWorld, runInProcess } from '../../support/run-command.js'

let home: string
let network: SimulatedNetwork
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-fetch-'))
  network = simulateNetwork()
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** The resource asks for no token: what is sent and answered is what counts here. */
function ask(args: readonly string[], answer: () => Response, world: CommandWorld = {}) {
  network.resource = answer
  const own = { env: { XDG_STATE_HOME: home }, fetch: network.fetch as never, ...world }
  return runInProcess(['fetch', resourceUrl, '--store', 'file', ...args], own)
}
const sent = () => network.at(resourceUrl).at(-1)

describe('what fetch sends', () => {
  const accept = 'application/json, text/event-stream, */*'

  it.each([
    [[], {}, ['GET', accept, null, '']],
    [['--method', 'delete'], {}, ['DELETE', accept, null, '']],
    [['--data', 'x'], {}, ['POST', accept, 'application/json', 'x']],
    [['--data', '', '--method', 'put'], {}, ['PUT', accept, 'application/json', '']],
    [['--data', '-', '--content-type', 'text/plain'], { stdin: 'in' }, ['POST', accept, 'text/plain', 'in']],
  ])('[S3-29] for %j: method, what it takes, media type and body', async (args, world, expected) => {
    await ask(args, () => new Response('{}'), world)
    const { method, headers, body } = sent() as NonNullable<ReturnType<typeof sent>>
    expect([method, headers.get('accept'), headers.get('content-type'), body]).toEqual(expected)
  })

  it('[S3-29] for a body of 1 MB, and not for more', async () => {
    const most = 'x'.repeat(1_048_576)
    expect((await ask(['--data', '-'], () => new Response('{}'), { stdin: most })).exitCode).toBe(0)
    expect(sent()?.body).toHaveLength(1_048_576)
    const more = await ask(['--data', '-'], () => new Response('{}'), { stdin: [most, 'x'] })
    expect(more).toMatchObject({ exitCode: 2, stderr: 'portcullis: there is more on stdin than 1 MB\n' })
  })
})

describe('what fetch writes', () => {
  const typed = (status: number) => new Response('text', { status, headers: { 'content-type': 'text/plain' } })

  it.each([
    [200, 0],
    [299, 0],
    [300, 1],
    [404, 1],
    [500, 1],
  ])('[S3-29] of status %i: the answer, and exit code %i', async (status, exitCode) => {
    const result = await ask([], () => typed(status))
    expect(result).toMatchObject({ exitCode, stdout: 'text\n' })
    expect(result.stderr).toMatch(new RegExp(`(?:^|\\n)${status} text/plain\\n$`))
  })

  it('[S3-29] of an answer without a body and a media type: the status alone', async () => {
    const result = await ask([], () => new Response(null, { status: 204 }))
    expect(result).toMatchObject({ exitCode: 0, stdout: '' })
    expect(result.stderr).toMatch(/(?:^|\n)204\n$/)
    const json = JSON.parse((await ask(['--json'], () => new Response(null, { status: 204 }))).stdout)
    expect(json).toMatchObject({ url: resourceUrl, status: 204, body: '' })
    expect(json).not.toHaveProperty('contentType')
  })

  it('[S3-29] with --json: the media type, and the steps', async () => {
    const json = JSON.parse((await ask(['--json'], () => typed(200))).stdout)
    expect(json).toMatchObject({ status: 200, contentType: 'text/plain', body: 'text', steps: [] })
  })

  it('[S3-29] of characters that come in parts: the characters', async () => {
    const parts = [new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac, 0xe2])]
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
    const { stdout } = await ask([], () => new Response(body))
    expect(stdout).toBe('€\ufffd\n')
  })

  it('[S3-29] of 10 MB: all, and of more nothing', async () => {
    const body = new Uint8Array(10_485_760).fill(120)
    expect((await ask([], () => new Response(body))).stdout).toHaveLength(10_485_761)
    expect((await ask([], () => new Response(new Uint8Array(10_485_761)))).exitCode).toBe(2)
  })
})
