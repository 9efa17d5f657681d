import { createSigningKey, signCompact } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createStaticKeys } from '../../../../src/issuer/static-keys.js'
import { createBoundedCache } from '../../../../src/kit/bounded-cache.js'
import type { JsonObject } from '../../../../src/kit/json.js'
import type { TokenTarget } from '../../../../src/resource-server/token/audience.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'
import type { ClaimsSchema } from '../../../../src/resource-server/token/claims-schema.js'
import {
  createTokenVerifier,
  type IntrospectingIssuer,
  type Issuer,
  type IssuerRegistry,
  isIntrospecting,
  maySpeakFor,
} from '../../../../src/resource-server/token/token-verifier.js'
import { refusalOf } from '../../../support/proofs.js'

const iss = 'https://issuer.test'
const nowSeconds = 1_800_000_000
const key = createSigningKey({ kid: 'k' })
const claims = { iss, sub: 's', aud: 'api', jti: 'j', client_id: 'c', iat: nowSeconds, exp: nowSeconds + 300 }
const target: TokenTarget = { resource: 'https://api.test', audiences: ['api'], issuers: [iss] }

const mint = (change: Record<string, unknown> = {}, typ = 'at+jwt') =>
  signCompact({ header: { alg: 'ES256', kid: 'k', typ }, payload: { ...claims, ...change } as JsonObject, key })

interface World {
  readonly issuer?: Partial<Issuer>
  readonly registry?: Partial<IssuerRegistry>
  readonly schema?: ClaimsSchema
  readonly tokenCacheEntries?: number
}

function world({ issuer: change = {}, registry = {}, schema, tokenCacheEntries = 10 }: World = {}) {
  const issuer = {
    issuer: iss,
    algorithms: new Set(['ES256']),
    tokenTypes: new Set(['at+jwt']),
    keys: createStaticKeys([key.publicJwk]),
    knownHeaders: createBoundedCache(10),
    showsAccessToken: () => false,
    profile: toClaimProfileSettings(),
    optionalClaims: new Set(),
    clockToleranceMs: 0,
    maxTokenAgeMs: undefined,
    ...change,
  } as unknown as Issuer
  const find = vi.fn((name: string) => (name === iss ? issuer : undefined))
  const issuers: IssuerRegistry = {
    find,
    findOpaque: () => undefined,
    trusts: () => true,
    mayChange: false,
    known: () => [issuer],
    ...registry,
  }
  const verifier = createTokenVerifier({ schema, tokenCacheEntries }, issuers)
  const verify = async (token: string, resource = target, seconds = nowSeconds) =>
    verifier.verify(token, `hash of ${token}`, resource, seconds * 1000)
  const refusal = (...given: Parameters<typeof verify>) => refusalOf(() => verify(...given))
  return { verifier, verify, refusal, find }
}

const introspecting = (takesJwts: boolean) => {
  const introspect = vi.fn(async () => ({ audience: 'api', tokenClaims: {} }))
  return { introspect, issuer: { introspector: { introspect, takesJwts } } as unknown as Partial<Issuer> }
}

describe('a verifier that remembers no tokens', () => {
  it('asks for no hash, and verifies the same token each time without one', async () => {
    const { verifier, find } = world({ tokenCacheEntries: 0 })
    expect(verifier.remembersAny).toBe(false)
    for (const times of [1, 2]) {
      const { entry } = await verifier.verify(mint(), undefined, target, nowSeconds * 1000)
      expect(entry.tokenClaims).toMatchObject({ sub: 's' })
      expect(find).toHaveBeenCalledTimes(times)
    }
    expect(verifier.remembered()).toBe(0)
    expect(world({ tokenCacheEntries: 1 }).verifier.remembersAny).toBe(true)
  })

  it('has an introspector know an opaque token by its hash', async () => {
    const { introspect, issuer } = introspecting(false)
    const findOpaque = () => ({ issuer: iss, ...issuer }) as unknown as IntrospectingIssuer
    const { verifier } = world({ tokenCacheEntries: 0, registry: { findOpaque } })
    await verifier.verify('opaque', undefined, target, nowSeconds * 1000)
    expect(introspect).toHaveBeenCalledWith('opaque', 'bSKYhMEmi7CrMtjaMV0P5S-RRyKL2DCje8n7KKlUlA0', target)
  })
})

describe('a token seen for the first time', () => {
  it('[C-07] is refused for an issuer the resource does not name, which is not even looked up', async () => {
    const { refusal, find } = world()
    for (const wrong of [{ iss: 'https://other.test' }, { iss: undefined }, { iss: 7 }, { iss: [iss] }]) {
      expect(await refusal(mint(wrong))).toMatchObject({
        code: 'ERR_TOKEN_ISSUER',
        expected: target.issuers,
        received: wrong.iss,
      })
    }
    expect(find).toHaveBeenCalledTimes(1)
    find.mockClear()
    const onlyIssuers = new Set(['https://other.test'])
    expect(await refusal(mint(), { ...target, onlyIssuers })).toMatchObject({ code: 'ERR_TOKEN_ISSUER' })
    expect(find).not.toHaveBeenCalled()
  })

  it('is refused for another audience, and not remembered', async () => {
    const { verifier, refusal } = world()
    for (const aud of ['other', ['other', 'API'], 'ap']) {
      expect(await refusal(mint({ aud }))).toMatchObject({
        code: 'ERR_TOKEN_AUDIENCE',
        expected: ['api'],
        received: aud,
      })
    }
    expect(verifier.remembered()).toBe(0)
  })

  it('is accepted for one audience of several, and for those of its issuer', async () => {
    expect(await world().verify(mint({ aud: ['other', 'api'] }))).toMatchObject({ entry: { subject: 's' } })
    const { verify, refusal } = world({ issuer: { audiences: new Map([[target.resource, ['own']]]) } })
    expect(await verify(mint({ aud: 'own' }))).toMatchObject({ entry: { audience: 'own' } })
    expect(await refusal(mint())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE', expected: ['own'] })
    expect(await verify(mint(), { ...target, resource: 'https://else.test' })).toMatchObject({ entry: {} })
  })

  it('[REAL-29] needs what stands for an absent audience, where something has to', async () => {
    const optionalClaims = new Set(['aud'])
    const standIns = new Map([[target.resource, [() => false, ({ azp }: JsonObject) => azp === 'web']]])
    const { verify, refusal } = world({ issuer: { optionalClaims, standIns } })
    expect(await verify(mint({ aud: undefined, azp: 'web' }))).toMatchObject({ entry: { audience: undefined } })
    const error = { code: 'ERR_TOKEN_AUDIENCE', detail: 'no aud, and nothing of `audienceFrom` stands for it' }
    expect(await refusal(mint({ aud: undefined }))).toMatchObject(error)
    const elsewhere = { ...target, resource: 'https://else.test' }
    expect(await refusal(mint({ aud: undefined, azp: 'web' }), elsewhere)).toMatchObject(error)
    expect(await world({ issuer: { optionalClaims } }).verify(mint({ aud: undefined }))).toMatchObject({ entry: {} })
  })

  it('is remembered with what the claims schema makes of it', async () => {
    const schema = z.object({ sub: z.string() })
    const { verifier, verify } = world({ schema })
    const first = await verify(mint())
    expect(first.entry.claims).toEqual({ sub: 's' })
    expect(verifier.remembered()).toBe(1)
  })

  it('is not remembered where the claims schema refuses it', async () => {
    const { verifier, refusal } = world({ schema: z.object({ sub: z.number() }) })
    expect(await refusal(mint())).toMatchObject({ code: 'ERR_TOKEN_CLAIM_INVALID' })
    expect(verifier.remembered()).toBe(0)
  })
})

describe('a token that is remembered', () => {
  it('is given at once, and by its hash', async () => {
    const { verifier, verify } = world()
    const token = mint()
    const first = await verify(token)
    expect(verifier.verify('not looked at', `hash of ${token}`, target, nowSeconds * 1000)).toBe(first)
    expect(verifier.remembered()).toBe(1)
  })

  it('[JWT-02] is judged anew before its time and once it is over, to the millisecond', async () => {
    const { verifier, verify } = world()
    const token = mint({ nbf: nowSeconds })
    const first = await verify(token)
    const again = (ms: number) => refusalOf(async () => verifier.verify(token, `hash of ${token}`, target, ms))
    const at = (ms: number) => verifier.verify(token, `hash of ${token}`, target, ms)
    expect(at((nowSeconds + 300) * 1000 - 1)).toBe(first)
    expect(at(nowSeconds * 1000)).toBe(first)
    expect(await again((nowSeconds + 300) * 1000)).toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
    expect(await again(nowSeconds * 1000 - 1)).toMatchObject({ code: 'ERR_TOKEN_NOT_YET_VALID' })
  })

  it('is judged anew while the keys may not serve, and once its key was withdrawn', async () => {
    let isServing = true
    const keys = { ...createStaticKeys([key.publicJwk]), isServing: () => isServing }
    const { verify } = world({ issuer: { keys } })
    const token = mint()
    const first = await verify(token)
    expect(await verify(token)).toBe(first)
    isServing = false
    expect(await verify(token)).not.toBe(first)
    isServing = true
    const second = await verify(token)
    const held = keys.held()[0] as unknown as { withdrawn: boolean }
    held.withdrawn = true
    expect(await verify(token)).not.toBe(second)
  })

  it('is judged anew where its issuer is trusted no longer', async () => {
    let isTrusted = true
    const trusts = vi.fn(() => isTrusted)
    const issuer = world().find(iss)
    const find = () => (isTrusted ? issuer : undefined)
    const { verify, refusal } = world({ registry: { trusts, mayChange: true, find } })
    const token = mint()
    const first = await verify(token)
    expect(await verify(token)).toBe(first)
    expect(trusts).toHaveBeenCalledWith(iss)
    isTrusted = false
    expect(await refusal(token)).toMatchObject({ code: 'ERR_TOKEN_ISSUER' })
  })

  it('does not ask whether its issuer is trusted where that cannot change', async () => {
    const trusts = vi.fn(() => false)
    const { verify } = world({ registry: { trusts } })
    const token = mint()
    expect(await verify(token)).toBe(await verify(token))
    expect(trusts).not.toHaveBeenCalled()
  })

  it('[C-07] is held against issuers and audiences of each resource', async () => {
    const { verify, refusal } = world()
    const token = mint()
    await verify(token)
    expect(await refusal(token, { ...target, onlyIssuers: new Set() })).toMatchObject({ code: 'ERR_TOKEN_ISSUER' })
    expect(await refusal(token, { ...target, audiences: ['x'] })).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
    expect(await verify(token, { ...target, onlyIssuers: new Set([iss]) })).toMatchObject({ entry: {} })
  })
})

describe('a JWT of an issuer with introspection', () => {
  it('is verified here unless the issuer is asked about JWTs too', async () => {
    const { issuer, introspect } = introspecting(false)
    await world({ issuer }).verify(mint())
    expect(introspect).not.toHaveBeenCalled()
  })

  it('is never remembered here, and held against the audience', async () => {
    const { issuer, introspect } = introspecting(true)
    const { verifier, verify, refusal } = world({ issuer })
    const token = mint()
    await verify(token)
    expect(introspect).toHaveBeenCalledWith(token, `hash of ${token}`, target)
    expect(verifier.remembered()).toBe(0)
    expect(await refusal(token, { ...target, audiences: ['x'] })).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
  })

  it('[JWT-07] is not asked about where it shows itself to be of another kind', async () => {
    const { issuer, introspect } = introspecting(true)
    expect(await world({ issuer }).refusal(mint({ typ: 'ID' }))).toMatchObject({ code: 'ERR_TOKEN_TYPE' })
    expect(introspect).not.toHaveBeenCalled()
  })
})

describe('a token that is no JWT', () => {
  const howTo = 'no JWT; to accept opaque tokens, give one issuer of the resource `introspection` (RFC 7662)'
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  it('[REAL-40] is refused, with what to set, where no issuer can be asked', async () => {
    const { refusal } = world()
    const cases = [
      ['opaque', 'ERR_TOKEN_UNRECOGNISED'],
      ['a.b.c', 'ERR_TOKEN_UNRECOGNISED'],
      [encode({ alg: 'none' }), 'ERR_TOKEN_UNRECOGNISED'],
      [`${encode({ alg: 'ES256' })}.x`, 'ERR_TOKEN_MALFORMED'],
      [`${encode({ alg: 'dir', enc: 'A256GCM' })}....x`, 'ERR_TOKEN_ENCRYPTED'],
      [`${encode({ alg: 'dir' })}....x`, 'ERR_TOKEN_MALFORMED'],
      [`${encode({ alg: 'dir', enc: 'A256GCM' })}.x.x.x`, 'ERR_TOKEN_MALFORMED'],
    ] as const
    for (const [token, code] of cases) expect(await refusal(token), token).toMatchObject({ code, detail: howTo })
  })

  it('is malformed where a character may stand in no access token, and nobody is asked', async () => {
    const findOpaque = vi.fn()
    const error = await world({ registry: { findOpaque } }).refusal('a b')
    expect(error).toMatchObject({
      code: 'ERR_REQUEST_MALFORMED',
      detail: `the token holds a character that no access token may have (RFC 6750 §2.1); ${howTo}`,
    })
    expect(findOpaque).not.toHaveBeenCalled()
  })

  it('is asked about where one issuer can be', async () => {
    const { issuer, introspect } = introspecting(false)
    const { verify, refusal } = world({ registry: { findOpaque: () => issuer as never } })
    await verify('opaque')
    expect(introspect).toHaveBeenCalledWith('opaque', 'hash of opaque', target)
    expect(await refusal('opaque', { ...target, audiences: ['x'] })).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
  })
})

describe('whom a token may come from', () => {
  it('[C-07] is every issuer where a resource names none, and its own where it does', () => {
    expect(maySpeakFor(target, iss)).toBe(true)
    expect(maySpeakFor({ ...target, onlyIssuers: new Set([iss]) }, iss)).toBe(true)
    expect(maySpeakFor({ ...target, onlyIssuers: new Set([`${iss}/`]) }, iss)).toBe(false)
    expect(isIntrospecting(introspecting(false).issuer as Issuer)).toBe(true)
    expect(isIntrospecting({ introspector: undefined } as Issuer)).toBe(false)
  })
})
