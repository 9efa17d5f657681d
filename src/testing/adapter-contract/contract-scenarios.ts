import { deepStrictEqual, notDeepStrictEqual } from 'node:assert/strict'
import type { ClaimsSchema, ResourceServerOptions } from '../../index.js'
import { probePaths } from './contract-routes.js'
import {
  algs,
  badProof,
  bearer,
  boundToken,
  type ContractKit,
  type ExpectedAnswer,
  metadata,
  proofOf,
  proven,
  refusedJson,
} from './contract-row.js'
import type { ExactRequest, ExactResponse } from './http-exchange.js'
import { opaqueSettings } from './opaque-rows.js'

/** What a {@link ContractScenario} plays on. */
export interface Stage extends ContractKit {
  ask(request: ExactRequest): Promise<ExactResponse>
  expectAnswer(response: ExactResponse, expected: ExpectedAnswer): void
  passTime(seconds: number): void
}

/** Several requests that belong together, on a server of their own. */
export interface ContractScenario {
  readonly title: string
  options?(kit: ContractKit): Partial<ResourceServerOptions<ClaimsSchema>>
  play(stage: Stage): Promise<void>
}

const nonceWanted: ExpectedAnswer = {
  status: 401,
  challenges: [
    `DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof", ${algs}, ${metadata}`,
  ],
  fields: refusedJson,
}
const secret = '0123456789abcdef0123456789abcdef'
const withNonce = (dpop: object = {}) => ({
  dpop: { algorithms: ['ES256', 'PS256'] as const, nonce: { secrets: [secret], ...dpop } },
})
const uncheckable: ExpectedAnswer = {
  status: 503,
  fields: { ...refusedJson, 'Retry-After': ['5'] },
  body: { error: 'temporarily_unavailable', error_description: 'The access token cannot be checked at present' },
}

/** What a probe is told: one word, and no name of anybody. */
async function probed({ ask }: Pick<Stage, 'ask'>, path: string): Promise<readonly unknown[]> {
  const { status, fields, body } = await ask({ path })
  deepStrictEqual(
    [fields('Cache-Control'), fields('Content-Type'), fields('WWW-Authenticate')],
    [['no-store'], ['application/json'], []],
  )
  return [status, JSON.parse(body)]
}

export const contractScenarios: readonly ContractScenario[] = [
  {
    title: '[S4-12] tells a probe whether tokens can be judged, and nothing else',
    async play(stage) {
      deepStrictEqual(await probed(stage, probePaths.live), [200, { status: 'ok' }])
      deepStrictEqual(await probed(stage, probePaths.ready), [503, { status: 'unavailable' }])
      const { status } = await stage.ask({ path: '/me', fields: bearer(stage.issuer.mintToken()) })
      deepStrictEqual(status, 200)
      deepStrictEqual(await probed(stage, probePaths.ready), [200, { status: 'ok' }])
      deepStrictEqual(await probed(stage, probePaths.live), [200, { status: 'ok' }])
    },
  },
  {
    title: '[E-08] [DPOP-15] [C-10] refuses a proof that was used before, whatever else came in between',
    async play({ ask, expectAnswer, passTime, ...kit }) {
      const request = { path: '/me', fields: proven(kit, '/me') }
      deepStrictEqual((await ask(request)).status, 200)
      const replayed = { status: 401, challenges: badProof('The DPoP proof was used before'), fields: refusedJson }
      expectAnswer(await ask(request), replayed)
      deepStrictEqual((await ask({ path: '/me', fields: proven(kit, '/me') })).status, 200)
      passTime(59)
      expectAnswer(await ask(request), replayed)
      passTime(2)
      expectAnswer(await ask(request), {
        status: 401,
        challenges: badProof('The DPoP proof is outside the accepted time window'),
      })
    },
  },
  {
    title: '[DPOP-14] [DPOP-15] does not use a proof up by a request that is refused for another reason',
    async play({ ask, ...kit }) {
      const fields = proven(kit, '/me')
      deepStrictEqual((await ask({ path: '/me', method: 'POST', fields })).status, 401)
      deepStrictEqual((await ask({ path: '/me', fields })).status, 200)
    },
  },
  {
    title: '[DPOP-15] lets one of many concurrent copies of a request through',
    async play({ ask, ...kit }) {
      const request = { path: '/me', fields: proven(kit, '/me') }
      const responses = await Promise.all(Array.from({ length: 10 }, () => ask(request)))
      deepStrictEqual(responses.filter(({ status }) => status === 200).length, 1)
    },
  },
  {
    title: '[E-09] [DPOP-17] [DPOP-18] [DPOP-19] takes no proof without a nonce of its own that is fresh',
    options: () => withNonce(),
    async play({ ask, expectAnswer, passTime, ...kit }) {
      const token = boundToken(kit)
      const request = (nonce?: string) => ({ path: '/me', fields: proofOf(kit, token, '/me', { nonce }) })
      const first = await ask(request())
      expectAnswer(first, nonceWanted)
      expectAnswer(await ask(request('invented')), nonceWanted)
      const [nonce] = first.fields('DPoP-Nonce')
      const accepted = await ask(request(nonce))
      deepStrictEqual(accepted.status, 200)
      deepStrictEqual(accepted.fields('DPoP-Nonce'), [])
      expectAnswer(await ask(request()), nonceWanted)
      passTime(301)
      const stale = await ask(request(nonce))
      expectAnswer(stale, nonceWanted)
      deepStrictEqual(stale.fields('DPoP-Nonce').length, 1)
      notDeepStrictEqual(stale.fields('DPoP-Nonce'), [nonce])
    },
  },
  {
    title: '[DPOP-20] [DPOP-24] gives the next nonce with a success, for browser code too',
    options: () => withNonce({ onSuccess: true }),
    async play({ ask, ...kit }) {
      const token = boundToken(kit)
      const [nonce] = (await ask({ path: '/me', fields: proofOf(kit, token, '/me') })).fields('DPoP-Nonce')
      const request = { path: '/me', fields: proofOf(kit, token, '/me', { nonce }) }
      const response = await ask(request)
      deepStrictEqual(response.status, 200)
      deepStrictEqual(response.fields('DPoP-Nonce').length, 1)
      deepStrictEqual(response.fields('Cache-Control'), ['no-store'])
      deepStrictEqual(response.fields('Access-Control-Expose-Headers'), ['WWW-Authenticate, DPoP-Nonce'])
      deepStrictEqual((await ask(request)).status, 401)
    },
  },
  {
    title: '[DPOP-17] [DPOP-20] gives the next nonce with a refusal too that comes after a good proof',
    options: () => withNonce({ onSuccess: true }),
    async play({ ask, ...kit }) {
      const token = boundToken(kit)
      const [nonce] = (await ask({ path: '/me', fields: proofOf(kit, token, '/me') })).fields('DPoP-Nonce')
      const response = await ask({ path: '/mail', fields: proofOf(kit, token, '/mail', { nonce }) })
      deepStrictEqual(response.status, 403)
      deepStrictEqual(response.fields('DPoP-Nonce'), [nonce])
      deepStrictEqual(response.fields('Cache-Control'), ['no-store'])
      deepStrictEqual(response.fields('Access-Control-Expose-Headers'), ['WWW-Authenticate, DPoP-Nonce'])
    },
  },
  {
    title: '[DPOP-20] asks no client for a nonce whose token is not bound',
    options: () => withNonce(),
    async play({ ask, expectAnswer, ...kit }) {
      expectAnswer(await ask({ path: '/me', fields: proven(kit, '/me') }), nonceWanted)
      const response = await ask({ path: '/me', fields: bearer(kit.issuer.mintToken()) })
      deepStrictEqual([response.status, response.fields('DPoP-Nonce')], [200, []])
    },
  },
  {
    title: '[E-13] [C-17] [INTR-06] answers 503 without a challenge while introspection is down, and recovers',
    options: ({ issuer }) => opaqueSettings.options(issuer),
    async play({ ask, expectAnswer, passTime, issuer }) {
      const request = { path: '/me', fields: bearer(issuer.mintOpaqueToken()) }
      for (const behaviour of [{ kind: 'down' }, { kind: 'status', status: 500 }, { kind: 'html' }] as const) {
        issuer.override('introspection', behaviour)
        expectAnswer(await ask(request), uncheckable)
      }
      issuer.override('introspection', { kind: 'status', status: 401 })
      expectAnswer(await ask(request), uncheckable)
      issuer.restore()
      passTime(60)
      deepStrictEqual((await ask(request)).status, 200)
    },
  },
  {
    title: '[E-13] [REAL-26] answers 503 while the function that finds issuers fails, which may be an outage',
    options: ({ issuer }) => ({
      issuer: () => Promise.reject(new Error('a secret of the application')),
      tenants: [issuer.issuer],
    }),
    async play({ ask, issuer }) {
      const { status, body, fields } = await ask({ path: '/me', fields: bearer(issuer.mintToken()) })
      deepStrictEqual([status, fields('WWW-Authenticate'), body.includes('secret')], [503, [], false])
    },
  },
  {
    title: '[E-13] [C-17] answers 503 when the replay store fails, and does not accept the proof',
    options: () => ({
      dpop: { algorithms: ['ES256', 'PS256'], replayStore: { reserve: () => Promise.reject(new Error('no store')) } },
    }),
    async play({ ask, expectAnswer, ...kit }) {
      expectAnswer(await ask({ path: '/me', fields: proven(kit, '/me') }), {
        status: 503,
        fields: { ...refusedJson, 'Retry-After': ['5'] },
        body: {
          error: 'temporarily_unavailable',
          error_description: 'A store this server depends on cannot be reached',
        },
      })
    },
  },
]
