import type { IssuerOptions } from 'portcullis'
import { describe, expect, it } from 'vitest'
import type { ProviderFixture, TokenShape } from './fixture.js'
import { addressedToAll, disguise, outcome, providers, send, serverOf, sign } from './world.js'

/**
 * All providers publish the same keys under the same name, so that no signature and no `kid` refuses anything here. Where a
 * token is disguised, its `aud` and its algorithm are those of the preset that judges it, too; what is left to refuse it is
 * `iss`, or, where `iss` is the preset's own, the rules of the preset alone.
 */
const named = providers.map((provider) => [provider.name, provider] as const)

/** Each provider with others of its own, which differ in parameters or version. */
const family = ({ name }: ProviderFixture) => name.replace(/,.*$/, '').replace('clerkSession', 'clerk')

function othersOf(target: ProviderFixture): readonly ProviderFixture[] {
  return providers.filter((other) => other !== target)
}

describe.each(named)('%s', (_name, provider) => {
  const server = serverOf(provider.options)

  it.each(Object.entries(provider.accepted))('[REAL-02] [REAL-31] accepts its token: %s', async (_kind, shape) => {
    const result = await send(server, provider.options, sign(provider, shape))
    if (!result.ok) throw result.error
    const { auth } = result
    const read = Object.keys(shape.reads).map((name) => [name, auth[name as keyof typeof shape.reads]])
    expect(Object.fromEntries(read)).toEqual(shape.reads)
  })

  it.each(Object.entries(provider.refused))('[REAL-02] [REAL-29] refuses its token: %s', async (_kind, shape) => {
    expect(await outcome(server, provider.options, sign(provider, shape))).toBe(shape.code)
  })

  it('[REAL-02] refuses every token of every other provider, whose audience and keys are its own', async () => {
    const foreign = addressedToAll.filter(({ owner }) => owner !== provider)
    for (const { owner, kind, token } of foreign) {
      const code = await outcome(server, provider.options, token[provider.algorithm])
      expect(code, `${owner.name}: ${kind}`).toBe('ERR_TOKEN_ISSUER')
    }
    expect(foreign.length).toBeGreaterThan(150)
  })
})

/** What says nothing else than that it is a JWT, and is nothing but an ID token, a refresh token or a logout token. */
const otherKinds = /^(id|refresh|offline|logout)\b/

/** Signs nothing but what it means to: its rule is its issuer. */
const byIssuerAlone: readonly string[] = ['googleIap']

/**
 * What passes at a preset although another provider means it for something else, once it had the issuer, the audience and the
 * keys of that preset: no provider issues such tokens under its own name. Members of a family, and what says `at+jwt` itself,
 * are left out.
 */
const passing: readonly string[] = [
  'auth0 ← keycloak: action',
  'auth0 ← keycloak: untyped',
  'zitadel ← keycloak: action',
  'zitadel ← keycloak: untyped',
  'zitadel ← clerk: session',
  'zitadel ← clerkSession: template',
  'zitadel ← clerkSession: machine',
  'zitadel ← clerkSession: session that is pending',
  'zitadel ← clerkSession: session of another origin',
  'zitadel ← hydra: access that nobody asked an audience for',
]

describe('the rules of the presets alone', () => {
  const judged = providers.filter(({ name }) => !byIssuerAlone.includes(name))

  async function passes(select: (kind: string, shape: TokenShape) => boolean, related: boolean): Promise<string[]> {
    const found: string[] = []
    for (const target of judged) {
      const server = serverOf(target.options)
      for (const other of othersOf(target).filter((one) => related || family(one) !== family(target))) {
        for (const [kind, shape] of Object.entries(other.refused).filter(([one, its]) => select(one, its))) {
          if ((await outcome(server, target.options, disguise(shape, target))) === 'ok') {
            found.push(`${target.name} ← ${other.name}: ${kind}`)
          }
        }
      }
    }
    return found
  }

  it('[REAL-02] refuse every ID, refresh and logout token of every provider', async () => {
    expect(await passes((kind) => otherKinds.test(kind), true)).toEqual([])
  })

  it('[REAL-02] let pass what is listed, and nothing else', async () => {
    const found = await passes((_kind, { header }) => header['typ'] !== 'at+jwt', false)
    expect(found).toEqual(passing)
  })
})

describe('accessTokenEvidence of the presets', () => {
  const withEvidence = named.filter(
    ([name, { options }]) => options.accessTokenEvidence !== undefined && !byIssuerAlone.includes(name),
  )

  /** How many of its own tokens are refused whose audience is right, and from which nothing else is demanded. */
  async function refusals(provider: ProviderFixture, changes: Partial<IssuerOptions> = {}): Promise<number> {
    const options = { ...provider.options, optionalClaims: ['jti', 'client_id'] as const, ...changes }
    const server = serverOf(options)
    const outcomes = Object.values(provider.refused).map((shape) => outcome(server, options, disguise(shape, provider)))
    return (await Promise.all(outcomes)).filter((code) => code !== 'ok').length
  }

  it.each(withEvidence)('[REAL-02] of %s refuses what nothing else does', async (_name, provider) => {
    const loosened = { accessTokenEvidence: { iss: provider.options.issuer } }
    expect(await refusals(provider, loosened)).toBeLessThan(await refusals(provider))
  })

  it('[REAL-02] of Clerk does not do what the header does', async () => {
    const provider = providers.find(({ name }) => name === 'clerkSession') as ProviderFixture
    expect(await refusals(provider, { headerConditions: undefined })).toBeLessThan(await refusals(provider))
  })
})

describe('all providers at one server', () => {
  const all = serverOf(providers.map(({ options }) => options))

  it('[REAL-36] are told apart, each by its own rules', async () => {
    for (const provider of providers) {
      for (const [kind, shape] of Object.entries(provider.accepted)) {
        expect(await outcome(all, provider.options, sign(provider, shape)), `${provider.name}: ${kind}`).toBe('ok')
      }
      for (const [kind, shape] of Object.entries(provider.refused)) {
        const code = await outcome(all, provider.options, sign(provider, shape))
        expect(code, `${provider.name}: ${kind}`).toBe('iss' in shape.claims ? code : shape.code)
        expect(code, `${provider.name}: ${kind}`).not.toBe('ok')
      }
    }
  })
})
