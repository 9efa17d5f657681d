import { AssertionError } from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import type { AuthError } from 'portcullis'
import { createAdapterGate, nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'
import { type AdapterContract, contractRoutes, createAdapterContract } from 'portcullis/adapter-testing'
import { afterAll, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../../support/loopback-server.js'

type Answer = Parameters<typeof sendNodeAnswer>[1]

/** What is wrong with an adapter that is good otherwise. */
interface Flaw {
  /** Changes the answer to a request that is refused. */
  refuse?(answer: Answer, error: AuthError): Answer
  /** Takes the place of the framework's error channel, which tells `fault` and answers 500. */
  fail?(error: unknown, res: ServerResponse, fault: (error: unknown) => void): void
}

const contracts: AdapterContract[] = []
afterAll(() => Promise.all(contracts.map((contract) => contract.close())))

const refuseWell = (answer: Answer) => answer
const failWell: NonNullable<Flaw['fail']> = (error, res, fault) => {
  fault(error)
  res.writeHead(500).end()
}

/** The case of the contract whose title has this part, for an adapter with the flaw. */
function caseFor(part: string, { refuse = refuseWell, fail = failWell }: Flaw) {
  const contract = createAdapterContract({
    name: 'flawed',
    async start(server, grants, { fault }) {
      const gate = createAdapterGate(server, { grants })
      const guarded = contractRoutes.filter(({ token, routerGrants }) => token === undefined && !routerGrants)
      const judges = new Map(
        guarded.map(({ path, requirement, grants: own }) => [path, gate.requireToken(requirement, own)]),
      )
      return listenOnLoopback(async (req, res) => {
        const result = await judges.get(req.url as string)?.(nodeRequestFacts(req))
        if (result?.ok === false && result.error !== undefined && !result.fault) {
          return sendNodeAnswer(res, refuse(result.answer, result.error))
        }
        try {
          if (result?.ok !== true) throw result?.error
          res.end(JSON.stringify(contractRoutes.find(({ path }) => path === req.url)?.respond(result.auth)))
        } catch (error) {
          fail(error, res, fault)
        }
      })
    },
  })
  contracts.push(contract)
  const [one, ...others] = contract.cases.filter(({ title, server }) => title.includes(part) && server === undefined)
  expect(others).toEqual([])
  return one?.run() ?? Promise.reject(new Error('no such case'))
}

function repeatsNonce(): Flaw {
  let first: Answer['headers'][string] | undefined
  return {
    refuse(answer) {
      first ??= answer.headers['DPoP-Nonce']
      return { ...answer, headers: { ...answer.headers, 'DPoP-Nonce': first ?? [] } }
    },
  }
}

const relaysStatus: Flaw = {
  refuse: (answer, { detail }) => (detail === 'credential_refused' ? { ...answer, status: 401 } : answer),
}
const tellsCause: Flaw = { refuse: (answer, error) => ({ ...answer, body: inspect(error.cause) }) }
const challengesFault: Flaw = {
  fail(error, res, fault) {
    fault(error)
    res.writeHead(500, { 'WWW-Authenticate': 'Bearer' }).end()
  },
}
const tellsFault: Flaw = {
  fail(error, res, fault) {
    fault(error)
    res.writeHead(500).end(inspect(error))
  },
}
const replacesFault: Flaw = { fail: (_, res, fault) => failWell(new Error('something', { cause: 'else' }), res, fault) }
const keepsFault: Flaw = { fail: (_, res) => res.writeHead(500).end() }

const nonce = 'takes no proof without a nonce of its own that is fresh'
const introspection = 'while introspection is down, and recovers'
const finder = 'while the function that finds issuers fails'
const inGuard = 'with its cause: an exception in `allow`'
const inHandler = 'leaves errors of the handler to the framework'

describe('the contract of adapters', () => {
  it.each([nonce, introspection, finder, inGuard, inHandler])('lets a good adapter pass: %s', async (part) => {
    await expect(caseFor(part, {})).resolves.toBeUndefined()
  })

  it.each([
    ['gives a stale nonce again', nonce, repeatsNonce(), AssertionError],
    ['says 401 where the issuer refuses the server itself', introspection, relaysStatus, AssertionError],
    ['tells the client why issuers cannot be found', finder, tellsCause, AssertionError],
    ['adds a challenge to a fault', inGuard, challengesFault, AssertionError],
    ['tells the client of a fault', inGuard, tellsFault, 'the client is told of the fault'],
    ['hands another error on', inGuard, replacesFault, 'the error says `something`, `else`'],
    ['keeps a fault back', inGuard, keepsFault, AssertionError],
    ['keeps an error of the handler back', inHandler, keepsFault, AssertionError],
  ])('finds an adapter out that %s', async (_, part, flaw, complaint) => {
    await expect(caseFor(part, flaw)).rejects.toThrow(complaint)
  })

  it('has a client leave for good before the keys are there', async () => {
    let gone: Promise<unknown> = Promise.resolve()
    const contract = createAdapterContract({
      name: 'waiting',
      async start(server) {
        const judge = createAdapterGate(server).requireToken()
        return listenOnLoopback((req, res) => {
          if (req.url === '/me') gone.then(() => res.end())
          else {
            gone = once(res, 'close')
            void judge(nodeRequestFacts(req))
          }
        })
      },
    })
    contracts.push(contract)
    const [one] = contract.cases.filter(({ title }) => title.includes('survives a client that leaves'))
    await expect(one?.run()).resolves.toBeUndefined()
  })
})
