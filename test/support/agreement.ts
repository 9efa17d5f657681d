import type {
  AuthError,
  AccessTokenClaims as Claims,
  Explanation,
  MaybePromise,
  OptionalAuthResult,
  Requirement,
  ResourceServer,
} from 'portcullis'
// A client loads it with its first call. Here it is loaded before a test stops the clock.
import 'cockatiel'
import { afterAll, afterEach, expect, vi } from 'vitest'
import { insightOf } from '../../src/resource-server/insight.js'

/**
 * Has every guard of the attacks and of the adapters' contract explained: whatever a guard decides about a request,
 * `explain` says of the same request. A set-up file of Vitest.
 */
const explained = /[\\/](attacks[\\/][^\\/]+|adapters[\\/][^\\/]+\.contract)\.test\.ts$/

/** Frameworks that are held to the contract of the adapters. Those of logins guard nothing with tokens. */
const contracts = /[\\/]adapters[\\/](?!login)[^\\/]+\.contract\.test\.ts$/

/**
 * Tests whose refusals are not explained a second time, by the end of their titles, and why. What no guard answers is left
 * out as well: anonymous callers, further demands on a caller let through (`check`), and tests that run in a process of
 * their own. So are replayed proofs without a request object, which nothing tells from their first use.
 */
export const excluded: ReadonlyMap<string, string> = new Map([
  [
    'sends the token nowhere when the endpoint redirects or leads to a private address',
    'counts the questions to the introspection endpoint',
  ],
  ['makes a request 503 where it is asked about revocation', 'stops the clock: a second look would never end'],
  [
    'makes a request 503 where it is the issuer function, and the next one asks again',
    'stops the clock, and counts the calls of the issuer function',
  ],
  ['uses no key that is published for encryption', 'uses up the budget of unknown keys'],
  [
    'leaves no text in the event where the schema of the application throws an error of ours',
    'counts the calls of the schema',
  ],
  [
    'does all of it at once, no request hangs, and all is well afterwards',
    'runs against time limits of the real clock, which second looks would use up',
  ],
])

/**
 * A test in which a function of the application throws an error of ours. `explain`, which calls the function, knows the step;
 * the development page, which does not, takes the error for that of its usual step.
 */
const ofUsualStep = 'is cut, escaped and without tokens where the application wrote it'

/** What a guard and `explain` say of one request, where they differ. */
const differences: string[] = []
/** How many tests of this file were run, and how many judgements compared. */
let tests = 0
let compared = 0
/** The step at which the report of a judgement itself says that it failed, by the correlation id of its request. */
const judged = new Map<string, Promise<string>>()

if (explained.test(expect.getState().testPath ?? '')) {
  vi.doMock('../../src/resource-server/create-resource-server.js', async (original) => {
    const { createResourceServer } = await original<{ createResourceServer: (options: never) => ResourceServer }>()
    return { createResourceServer: (options: never) => agreeing(createResourceServer(options)) }
  })
  afterEach(() => {
    judged.clear()
    tests += 1
    expect(differences.splice(0)).toEqual([])
  })
  // That nothing differs says something only where much was compared: of all rows of a contract, most have a guard.
  if (contracts.test(expect.getState().testPath ?? '')) {
    afterAll(() => {
      if (tests > 100) expect(compared).toBeGreaterThan(tests / 2)
    })
  }
}

/** A file may share its process with the next one. */
afterAll(() => void vi.useRealTimers())

type Facts = Parameters<ResourceServer['authenticate']>[0]

function agreeing(server: ResourceServer): ResourceServer {
  insightOf(server)?.watch(({ report, correlationId, phase }) => {
    if (phase === 'request') judged.set(correlationId, report().then(said))
  })

  /** Where they differ the guard is asked again: keys may have come meanwhile, or a budget may be spent. */
  async function compare(
    explain: () => Promise<Explanation>,
    decided: string,
    decide: () => Promise<string>,
    correlationId?: string,
  ) {
    const reported = await judged.get(correlationId ?? '')
    const title = expect.getState().currentTestName ?? ''
    if ([...excluded.keys()].some((end) => title.endsWith(end))) return
    compared += 1
    const explanation = await explain()
    const { code, status, failed, ok, steps } = explanation
    const verdictOfExplain = code === undefined ? 'accepted' : `${status} ${code}`
    const isReported = reported !== undefined && !title.endsWith(ofUsualStep)
    if (isReported && verdictOfExplain === decided && reported !== said(explanation)) {
      differences.push(`explained ${said(explanation)}, reported ${reported}`)
    }
    const isWhole = ok === (failed === undefined) && ok === (code === undefined) && steps.length === 24
    if (isWhole && (verdictOfExplain === decided || verdictOfExplain === (await decide()))) return
    differences.push(`decided ${decided}, explained ${verdictOfExplain} at ${failed}`)
  }
  function watched<R extends OptionalAuthResult>(
    judge: (facts: Facts) => MaybePromise<R>,
    requirement?: Requirement<Claims>,
  ) {
    return async (facts: Facts): Promise<R> => {
      const result = await judge(facts)
      if (result.ok && result.auth === undefined) return result
      // Without an object that stands for the request, nothing tells a replay from the first use.
      if (!result.ok && result.error.code === 'ERR_PROOF_REPLAYED' && facts.request === undefined) return result
      await compare(
        () => server.explain(facts, requirement),
        verdict(result),
        async () => verdict(await judge(facts)),
        result.ok ? result.auth?.correlationId : result.error.correlationId,
      )
      return result
    }
  }
  const verified = (token: string, requirement?: Requirement<Claims>) =>
    server.verify(token, requirement).then(
      () => 'accepted',
      ({ status, code }: AuthError) => `${status} ${code}`,
    )
  return {
    ...server,
    authenticate: (facts, requirement) => watched((its) => server.authenticate(its, requirement), requirement)(facts),
    guard: (requirement) => watched(server.guard(requirement), requirement),
    optionalGuard: (requirement) => watched(server.optionalGuard(requirement), requirement),
    async verify(token, requirement) {
      const decide = () => verified(token, requirement)
      await compare(() => server.explainToken(token, requirement), await decide(), decide)
      return server.verify(token, requirement)
    },
  }
}

function said({ code, failed, steps }: Explanation): string {
  return `${code ?? 'accepted'} at ${failed} of ${steps.length}`
}

function verdict(result: OptionalAuthResult): string {
  return result.ok ? 'accepted' : `${result.error.status} ${result.error.code}`
}
