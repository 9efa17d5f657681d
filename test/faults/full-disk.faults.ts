import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createResourceServer, type PortcullisEvent } from 'portcullis'
import { portcullis } from 'portcullis/fetch'
import { createUserTokens, type UserTokens } from 'portcullis/login'
import { createFileLock, createFileTokenStore } from 'portcullis/native'
import { createTestIssuer } from 'portcullis/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type RotatingServer, rotatingServer } from '../support/rotating-server.js'
import { serveFetch } from '../support/serve-fetch.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { expectComeAgain, type Seen, see } from './api.js'

/** A disk of our own, of 64 KiB, and an API that keeps the tokens of its user there. */
interface SmallDisk {
  fill(): void
  free(): void
  /** The files of entries, half-written ones among them. */
  files(): readonly string[]
  readonly tokens: UserTokens
  readonly authorization: RotatingServer
  readonly events: readonly PortcullisEvent[]
  passTime(ms: number): void
  /** Asks the API, which needs a token of the user, or keeps those of a new login. */
  get(path?: '/login'): Promise<Seen>
  /** Another process. */
  reopen(): UserTokens
}

function asRoot(...command: string[]): void {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', ...command]
  execFileSync(program, args)
}

async function smallDisk(): Promise<SmallDisk> {
  const mount = await temporaryFolder()
  const uid = process.getuid?.() ?? 0
  asRoot('mount', '-t', 'tmpfs', '-o', `size=64k,mode=0700,uid=${uid}`, 'tmpfs', mount)
  onTestFinished(() => asRoot('umount', mount))
  const locks = await temporaryFolder()
  const directory = join(mount, 'tokens')
  const filler = join(mount, 'filler')
  let aheadMs = 0
  const clock = () => Date.now() + aheadMs
  const authorization = rotatingServer({ clock })
  const events: PortcullisEvent[] = []
  const open = () =>
    createUserTokens({
      provider: authorization.provider,
      store: createFileTokenStore({ directory }),
      lock: createFileLock({ directory: locks }),
      key: 'user',
      clock,
      onEvent: (event) => void events.push(event),
    })
  const tokens = open()
  await tokens.set(authorization.signIn())

  const issuer = createTestIssuer()
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
  })
  const gate = portcullis(server)
  const api = await serveFetch(
    gate.withAuth({}, async (request) => {
      if (request.url.endsWith('/login')) await tokens.set(authorization.signIn('bob'))
      return Response.json({ subject: (await tokens.getToken()).accessToken.split(':')[0] })
    }),
  )
  onTestFinished(async () => {
    await api.close()
    await issuer.close()
  })
  return {
    ...{ tokens, authorization, events, reopen: open },
    fill() {
      const { bavail, bsize } = statfsSync(mount)
      writeFileSync(filler, Buffer.alloc(bavail * bsize))
      expect(statfsSync(mount).bavail).toBe(0)
    },
    free: () => rmSync(filler),
    files: () => readdirSync(directory).filter((name) => name !== '.locks'),
    passTime: (ms) => {
      aheadMs += ms
    },
    get: (path: '/login' | '' = '') => see(api.origin + path, { authorization: `Bearer ${issuer.mintToken()}` }),
  }
}

describe('a full disk under the file store', () => {
  it('at a refresh is not noticed by the user, and the token is written once there is room', async () => {
    const { fill, free, passTime, get, tokens, authorization, events, files, reopen } = await smallDisk()
    fill()
    passTime(101_000)
    expect((await get()).status).toBe(200)
    expect(events.map(({ type }) => type)).toContain('tokens.persist_failed')
    expect(events.find(({ type }) => type === 'tokens.persist_failed')).toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
    })
    expect((await get()).status).toBe(200)
    expect([authorization.redemptions, files().length]).toEqual([1, 1])
    free()
    await tokens.close()
    const { accessToken } = await reopen().getToken({ autoRefresh: false })
    expect([accessToken, authorization.redemptions]).toEqual([(await tokens.getToken()).accessToken, 1])
  })

  it('at a login means 503 with Retry-After, and the entry that was there stays whole', async () => {
    const { fill, free, get, files, reopen } = await smallDisk()
    fill()
    expectComeAgain(await get('/login'), 3000)
    expect(files()).toHaveLength(1)
    free()
    expect((await reopen().getToken()).accessToken).toMatch(/^alice:/)
    expect((await get('/login')).status).toBe(200)
    expect((await reopen().getToken()).accessToken).toMatch(/^bob:/)
  })
})
