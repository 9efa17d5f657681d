import type { ResourceServerOptions } from '../../src/index.js'
import type { TestIssuer } from '../../src/testing/index.js'
import { type Contender, compare, named, speedRatio } from '../measure/compare.js'
import { createResourceServer, createTestIssuer, requestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken, mintTokens, publicKeyOf, scope } from '../set-up/issuer.js'
import type { Suite, SuiteResult, Thoroughness } from './suite.js'
import { tableOf } from './tokens.js'

/** Cost against the size of things: it should not rise. */
export const scaling: Suite = async (thoroughness) => {
  const parts = [
    await against('issuers', [1, 100, 10_000], byIssuers, thoroughness),
    await against('keys', [1, 10, 100], byKeys, thoroughness),
    await against('resources', [1, 100, 1000], byResources, thoroughness),
    await against('cached tokens', [1e3, 1e4, 1e5, 1e6], byCachedTokens, thoroughness),
  ]
  return { tables: parts.flatMap(({ tables }) => tables), verdicts: parts.flatMap(({ verdicts }) => verdicts) }
}

/** How much dearer the largest may be than the smallest: memory that no cache of the processor holds is slower. */
const flat = 1.5

async function against(
  what: string,
  sizes: readonly number[],
  create: (size: number, issuer: TestIssuer) => Contender | Promise<Contender>,
  { pace, pick }: Thoroughness,
): Promise<SuiteResult> {
  const issuer = createBenchIssuer()
  const used = sizes.slice(0, pick(2, 3, sizes.length))
  const contenders = []
  for (const size of used) contenders.push(await create(size, issuer))
  const measured = await compare(contenders, pace)
  const [smallest, largest] = [contenders[0], contenders.at(-1)].map((one) => named(measured, one?.name as string).name)
  const rise = speedRatio(measured, smallest as string, largest as string).median
  return {
    tables: [
      tableOf(`by-${what.replace(' ', '-')}`, `Cost against the number of ${what}`, measured, smallest as string),
    ],
    verdicts: [{ target: `${largest} against ${smallest}`, figure: rise, unit: '×', atMost: flat }],
  }
}

function authenticated(
  name: string,
  options: ResourceServerOptions,
  tokens: readonly string[],
  requirement: { readonly resource?: string; readonly scope?: string } = { scope },
): Contender {
  const server = createResourceServer(options)
  const requests = tokens.map((token) => requestFacts({ url: '/me', headers: { authorization: `Bearer ${token}` } }))
  const guard = server.guard(requirement)
  return {
    name,
    isAsync: true,
    async run(turn) {
      const result = await guard(requests[turn % requests.length] as (typeof requests)[number])
      if (!result.ok) throw result.error
    },
  }
}

/** New tokens, so that the issuer is looked for. All issuers share a key; only one of them is asked for it. */
function byIssuers(size: number, issuer: TestIssuer): Contender {
  const { jwk } = publicKeyOf(issuer, 'ES256')
  const issuers = Array.from({ length: size - 1 }, (_, n) => ({
    issuer: `https://tenant-${n}.example.com`,
    keys: [jwk],
  }))
  const trusted = [...issuers, { issuer: issuer.issuer, keys: [jwk] }]
  const options = { resource: audience, issuer: trusted, tokenCacheEntries: 0 }
  return authenticated(`${size} issuers`, options, mintTokens(issuer, 'ES256', 64))
}

/** New tokens, so that the key is looked for. */
function byKeys(size: number): Contender {
  const issuer = createTestIssuer({ issuer: 'https://login.example.com', audience, lifetimeSeconds: 86_400 })
  for (let n = 1; n < size; n++) issuer.rotateKeys()
  const options = { resource: audience, issuer: issuer.issuer, fetch: issuer.fetch, tokenCacheEntries: 0 }
  return authenticated(`${size} keys`, options, mintTokens(issuer, 'ES256', 64))
}

function byResources(size: number, issuer: TestIssuer): Contender {
  const names = Array.from({ length: size }, (_, n) => `${audience}/${n}`)
  const resource = names.at(-1) as string
  const options = { resource: names, issuer: issuer.issuer, fetch: issuer.fetch }
  const token = mintToken(issuer, 'ES256', { aud: resource })
  return authenticated(`${size} resources`, options, [token], { resource, scope })
}

/** Tokens that differ and are all remembered, asked for in turn. Ed25519 signs a million of them soonest. */
async function byCachedTokens(size: number, issuer: TestIssuer): Promise<Contender> {
  const options = { resource: audience, issuer: issuer.issuer, fetch: issuer.fetch, tokenCacheEntries: size * 4 }
  const server = createResourceServer(options)
  const probes = mintTokens(issuer, 'EdDSA', 1000)
  const remaining = size - probes.length
  for (let n = 0; n < remaining; n++) await server.verify(mintToken(issuer, 'EdDSA'))
  for (const token of probes) await server.verify(token)
  const requests = probes.map((token) => requestFacts({ url: '/me', headers: { authorization: `Bearer ${token}` } }))
  const guard = server.guard({ scope })
  return {
    name: `${size} cached tokens`,
    isAsync: true,
    async run(turn) {
      const result = await guard(requests[turn % requests.length] as (typeof requests)[number])
      if (!result.ok) throw result.error
    },
  }
}
