/**
 * The contract of adapters, as named cases for any test runner: each sends one request or a few to an application of your
 * framework, over real HTTP, and throws where the answer is not the one every framework gives. Does not tell what your
 * adapter does beyond the contract.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from 'node:assert/strict'
import { TokenExchangeError } from '../../client/index.js'
import {
  type ClaimsSchema,
  createGrants,
  createResourceServer,
  type GrantClient,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../index.js'
import { createDpopClient, createFrozenClock, createTestIssuer } from '../index.js'
import { accepted } from './accepted-rows.js'
import { applicationFaults } from './application-faults.js'
import { brokenProofs } from './broken-proof-rows.js'
import { certificateSettings } from './certificate-rows.js'
import {
  type AdapterHarness,
  broken,
  contractRoutes,
  type RunningApplication,
  refusing,
  wantsUser,
} from './contract-routes.js'
import { bearer, type ContractRow, type ContractSettings, expectAnswer, resource } from './contract-row.js'
import { contractScenarios } from './contract-scenarios.js'
import { downstream } from './grant-rows.js'
import { exchange } from './http-exchange.js'
import { faults, insufficient } from './insufficient-rows.js'
import { sendAndLeave } from './leaving-client.js'
import { malformed } from './malformed-rows.js'
import { metadataRows } from './metadata-rows.js'
import { opaqueSettings } from './opaque-rows.js'
import { policySettings } from './policy-rows.js'
import { badProofs } from './proof-rows.js'
import { unusable } from './unusable-rows.js'
import { withoutToken } from './without-token-rows.js'

export {
  type AdapterHarness,
  type Beside,
  type ContractRoute,
  contractRoutes,
  forged,
  probePaths,
  type RunningApplication,
  unparsedPath,
} from './contract-routes.js'
export { type ExactRequest, type ExactResponse, exchange } from './http-exchange.js'

/** One case of the contract. */
export interface ContractCase {
  /** A sentence without its subject, which is the framework. Starts with the requirements it proves. */
  readonly title: string
  /** What the server of this case has that the others have not, such as `has a scope hierarchy`. */
  readonly server?: string | undefined
  /** Rejects with an `AssertionError` where the adapter does not keep the contract. */
  run(): Promise<void>
}

/** The contract, for one framework. */
export interface AdapterContract {
  readonly cases: readonly ContractCase[]
  /** Stops the applications and the issuer. Call it behind the last case. */
  close(): Promise<void>
}

const rows: readonly ContractRow[] = [
  ...accepted,
  ...withoutToken,
  ...malformed,
  ...unusable,
  ...insufficient,
  ...badProofs,
  ...brokenProofs,
  ...downstream,
  ...faults,
  ...metadataRows,
]
const settings: readonly ContractSettings[] = [opaqueSettings, certificateSettings, policySettings]

/**
 * Makes the cases for one framework. Starts nothing until a case runs. Cases run one after another, in any order: they
 * share an authorization server and a clock, so that running them at the same time mixes them up.
 */
export function createAdapterContract(harness: AdapterHarness): AdapterContract {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  const client = createDpopClient({ clock: clock.now })
  const kit = { issuer, client }
  const joinsFields = harness.joinsFields === true
  const running: RunningApplication[] = []
  const shared = new Map<string | undefined, Promise<string>>()

  async function start(options: Partial<ResourceServerOptions<ClaimsSchema>>, seen: unknown[] = []): Promise<string> {
    const server = createResourceServer({
      resource,
      issuer: issuer.issuer,
      dpop: { algorithms: ['ES256', 'PS256'] },
      fetch: issuer.fetch,
      clock: clock.now,
      ...options,
    }) as ResourceServer
    const second = createResourceServer({ resource: 'https://api.example.com/second', issuer: issuer.issuer })
    const grants = createGrants({ client: downstreamClient, clock: clock.now })
    const application = await harness.start(server, grants, { second, fault: (error) => seen.push(error) })
    running.push(application)
    return application.origin
  }

  function sharedOrigin(name?: string, options: Partial<ResourceServerOptions<ClaimsSchema>> = {}): Promise<string> {
    const origin = shared.get(name) ?? start(options)
    shared.set(name, origin)
    return origin
  }

  const asked = rows.map(({ title, ...row }) => ({
    title,
    run: async () => expectAnswer(await exchange(await sharedOrigin(), row.request(kit)), row, joinsFields),
  }))

  const askedWithSettings = settings.flatMap(({ name, options, rows: own }) =>
    own.map(({ title, ...row }) => ({
      title,
      server: name,
      run: async () => {
        expectAnswer(await exchange(await sharedOrigin(name, options(issuer)), row.request(kit)), row, joinsFields)
      },
    })),
  )

  const played = contractScenarios.map(({ title, options, play }) => ({
    title,
    run: async () => {
      const origin = await start(options?.(kit) ?? {})
      await play({
        ...kit,
        ask: (request) => exchange(origin, request),
        expectAnswer: (response, expected) => expectAnswer(response, expected, joinsFields),
        passTime: (seconds) => clock.advance(seconds * 1000),
      })
    },
  }))

  const mistaken = applicationFaults.map(({ title, options, request, reason }) => ({
    title,
    run: async () => {
      const seen: unknown[] = []
      const { status, fields, body } = await exchange(await start(options?.(kit) ?? {}, seen), request(kit))
      deepStrictEqual([status, fields('WWW-Authenticate'), seen.length], [500, [], 1])
      ok(!body.includes('secret'), 'the client is told of the fault')
      const { message, cause } = seen[0] as Error
      ok(
        `${message} ${cause} ${(cause as Error | undefined)?.cause}`.includes(reason),
        `the error says \`${message}\`, \`${cause}\``,
      )
    },
  }))

  const others: readonly ContractCase[] = [
    {
      title: '[ADP-05] keeps the identities of concurrent requests apart',
      async run() {
        const origin = await sharedOrigin()
        const subjects = Array.from({ length: 20 }, (_, index) => `user-${index}`)
        const responses = await Promise.all(
          subjects.map((sub) => exchange(origin, { path: '/me', fields: bearer(issuer.mintToken({ sub })) })),
        )
        const answered = responses.map(({ body }) => JSON.parse(body).subject)
        deepStrictEqual(answered, subjects)
      },
    },
    {
      title: '[E-13] [C-17] answers 503 without a challenge while the keys cannot be had',
      async run() {
        issuer.override('jwks', { kind: 'down' })
        try {
          const response = await exchange(await start({}), { path: '/me', fields: bearer(issuer.mintToken()) })
          deepStrictEqual([response.status, response.fields('WWW-Authenticate')], [503, []])
          match(response.fields('Retry-After').join(), /^[1-9]\d*$/)
          deepStrictEqual(response.fields('Cache-Control'), ['no-store'])
          deepStrictEqual(JSON.parse(response.body).error, 'temporarily_unavailable')
        } finally {
          issuer.restore()
        }
      },
    },
    {
      title: '[ADP-08] survives a client that leaves while its token is checked',
      async run() {
        const origin = await start({})
        const hold = issuer.hold('jwks')
        try {
          await sendAndLeave(hold.arrived, origin, issuer.mintToken())
        } finally {
          hold.release()
        }
        const response = await exchange(origin, { path: '/me', fields: bearer(issuer.mintToken()) })
        deepStrictEqual(response.status, 200)
      },
    },
    {
      title: '[ADP-07] serves every route of the contract',
      async run() {
        const origin = await sharedOrigin()
        for (const { path } of contractRoutes) {
          ok((await exchange(origin, { path })).status !== 404, path)
        }
      },
    },
  ]

  return {
    cases: [...asked, ...askedWithSettings, ...played, ...mistaken, ...others],
    async close() {
      await Promise.all(running.map((application) => application.close()))
      await issuer.close()
    },
  }
}

/** Exchanges any token for one that says what it is for. */
const downstreamClient: GrantClient = {
  issuer: 'https://issuer.test',
  clientId: 'gateway',
  async exchangeToken({ resource: [target] = [] }) {
    if (target === broken) throw new Error('the token endpoint is down')
    if (target === refusing)
      throw new TokenExchangeError('ERR_INVALID_TARGET', { status: 400, error: 'invalid_target' })
    if (target === wantsUser) {
      throw new TokenExchangeError('ERR_INTERACTION_REQUIRED', { status: 400, error: 'consent_required' })
    }
    return {
      accessToken: `for ${target}`,
      tokenType: 'Bearer',
      expiresAt: undefined,
      scope: [],
      issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    }
  },
}
