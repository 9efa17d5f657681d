import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runExpiries } from '../soak/expiries.js'
import { runKills } from '../soak/kills.js'
import { startTokenServer, type TokenServer } from '../soak/token-server.js'
import { bundledScript } from '../support/bundled-script.js'
import { temporaryFolder } from '../support/temporary-folder.js'

/** In small what `npm run soak` does at length, over every store. */
describe('tokens of users in several processes', () => {
  let script: string
  let server: TokenServer
  beforeAll(async () => {
    script = await bundledScript('soak/worker')
    server = await startTokenServer()
  })
  afterAll(() => server?.close())

  async function files() {
    const directory = await temporaryFolder()
    return { store: { kind: 'file', directory }, lockDirectory: `${directory}/locks` }
  }

  it('[A1] [A4] redeems each refresh token once, and mixes no users up', async () => {
    const plan = { script, world: await files(), processes: 3, callers: 24, expiries: 3, delayMs: 20 }
    expect(await runExpiries(server, plan)).toMatchObject({
      ...{ redemptions: 6, reuses: 0, foreign: 0, unequal: 0, answers: 72, errors: [] },
    })
  })

  it('[A2] goes on where a process was killed, at each of 12 points', async () => {
    const result = await runKills(server, { script, world: await files(), kills: 12, parallel: 3 })
    expect(result).toMatchObject({ kills: 12, damaged: 0, needless: 0, errors: [] })
    expect(result.lost).toBeLessThanOrEqual(3)
    expect(result.slowestMs).toBeLessThan(35_000)
  })
})
