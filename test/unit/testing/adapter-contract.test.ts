import { AssertionError } from 'node:assert/strict'
import { nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'
import { type AdapterContract, createAdapterContract, forged } from 'portcullis/adapter-testing'
import { afterAll, describe, expect, it } from 'vitest'
import { invalidToken, metadataPath } from '../../../src/testing/adapter-contract/contract-row.js'
import { listenOnLoopback } from '../../support/loopback-server.js'

const contracts: AdapterContract[] = []

/** The contract of an application that lets everybody in, and says the same to everybody. */
function careless(): AdapterContract {
  const contract = createAdapterContract({
    name: 'careless',
    async start(server) {
      return listenOnLoopback((req, res) => {
        const answer = server.metadata(nodeRequestFacts(req))
        if (answer === undefined) res.end('{"open":true}')
        else
          void Promise.resolve(answer).then(
            (ready) => ready && sendNodeAnswer(res, ready),
            () => res.writeHead(500).end(),
          )
      })
    },
  })
  contracts.push(contract)
  return contract
}

/** The contract of an application with the right status and fields, which says in its bodies what it must not. */
function talkative(): AdapterContract {
  const anyone = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' }
  const contract = createAdapterContract({
    name: 'talkative',
    async start() {
      return listenOnLoopback(({ url, headers }, res) => {
        if (url === metadataPath) res.end(`{"resource":"https://${headers['x-forwarded-host']}"}`)
        else if (url === '/faulty') res.writeHead(500).end('a secret of the application')
        else if (url !== '/me') res.writeHead(200, anyone).end('{"resource":"https://api.example.com"}')
        else {
          const challenges = invalidToken('A claim of the access token has an unusable value')
          res.writeHead(401, { 'WWW-Authenticate': [...challenges] }).end('no plan is called stolen-plan')
        }
      })
    },
  })
  contracts.push(contract)
  return contract
}

/** The contract of an application with one answer to everything. */
function answeringAlways(status: number, headers: Readonly<Record<string, string>>): AdapterContract {
  const contract = createAdapterContract({
    name: 'of one answer',
    async start() {
      return listenOnLoopback((_, res) => res.writeHead(status, headers).end('{"error":"temporarily_unavailable"}'))
    },
  })
  contracts.push(contract)
  return contract
}

afterAll(() => Promise.all(contracts.map((contract) => contract.close())))

describe('the contract of adapters', () => {
  it('has cases with titles of their own, each of which starts with what it proves', () => {
    const titles = careless().cases.map(({ server, title }) => `${server}: ${title}`)
    expect(titles.length).toBeGreaterThan(150)
    expect(new Set(titles).size).toBe(titles.length)
    expect(titles.filter((title) => !/: \[[A-Z0-9-]+\] /.test(title))).toEqual([])
  })

  it.each([
    '[E-01]',
    '[E-04]',
    '[E-05]',
    '[REAL-24]',
    '[REAL-26]',
    '[REAL-45]',
    '[ADP-08] survives a client that leaves',
    '[REAL-37] serves the metadata of a second server too',
    '[DPOP-15]',
  ])('finds an application out that does not keep %s', async (id) => {
    const cases = careless().cases.filter(({ title, server }) => title.includes(id) && server === undefined)
    expect(cases.length).toBeGreaterThan(0)
    for (const { run, title } of cases) await expect(run(), title).rejects.toThrow()
  })

  it('says so where an application answers before it has checked the token', async () => {
    const [one] = careless().cases.filter(({ title }) => title.includes('survives a client that leaves'))
    await expect(one?.run()).rejects.toThrow('an answer came before the token was checked')
  })

  it.each([
    ['does not let Host into the document', 'a host of the request is in {"resource":"https://evil.example"}'],
    ['serves the metadata of a second server too', '{"resource":"https://api.example.com"}'],
    ['leaves a fault of the application in a guard to the framework', 'a secret of the application'],
    ['refuses claims that do not fit the schema', 'a claim value is in the answer'],
  ])('reads what the body of an answer says: %s', async (part, complaint) => {
    const [one, ...others] = talkative().cases.filter(({ title }) => title.includes(part))
    expect(others).toEqual([])
    await expect(one?.run()).rejects.toThrow(complaint)
  })

  it('passes what is right, and throws an AssertionError for what is not', async () => {
    const { cases } = careless()
    const caseOf = (part: string) => cases.find(({ title }) => title.includes(part))
    await expect(caseOf('leaves a route without a guard alone')?.run()).resolves.toBeUndefined()
    await expect(caseOf('hands the verified identity to the handler')?.run()).rejects.toThrow(AssertionError)
  })

  it.each([
    ['10', true],
    ['5', true],
    ['0', false],
    ['05', false],
    ['-5', false],
    ['5 s', false],
    ['x5', false],
    ['', false],
  ])('[E-13] takes %j for a time to try again after: %s', async (retryAfter, isRight) => {
    const contract = answeringAlways(503, { 'Retry-After': retryAfter, 'Cache-Control': 'no-store' })
    const [one] = contract.cases.filter(({ title }) => title.includes('while the keys cannot be had'))
    if (isRight) await expect(one?.run()).resolves.toBeUndefined()
    else await expect(one?.run()).rejects.toThrow(AssertionError)
  })

  it('has handlers try to be somebody else', () => {
    expect(forged).toEqual({ subject: 'root' })
  })

  it('stops every application it started, and its issuer', async () => {
    const running = new Set<number>()
    const contract = createAdapterContract({
      name: 'counted',
      async start() {
        const number = running.size
        running.add(number)
        return { origin: 'http://127.0.0.1:1', close: async () => void running.delete(number) }
      },
    })
    for (const { run } of contract.cases.slice(-6)) await expect(run()).rejects.toThrow('ECONNREFUSED')
    expect(running.size).toBeGreaterThan(1)
    await contract.close()
    expect(running.size).toBe(0)
  })
})
