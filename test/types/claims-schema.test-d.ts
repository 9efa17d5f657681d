import * as v from 'valibot'
import { z } from 'zod'
import {
  type AccessTokenClaims,
  type Auth,
  type ClaimsOf,
  createResourceServer,
  type Requirement,
} from '../../src/index.js'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs, and nothing global is augmented. */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <T extends true>(value: T): T => value

const options = { resource: 'https://api.example.com', issuer: 'https://issuer.test' }
const zodSchema = z.object({
  sub: z.string(),
  org: z.object({ id: z.number() }),
  expires: z.iso.datetime().transform((at) => new Date(at)),
})
const valibotSchema = v.pipe(
  v.object({ sub: v.string(), level: v.pipe(v.string(), v.transform(Number)) }),
  v.transform(({ sub, level }) => ({ user: sub, level })),
)
const asyncSchema = v.pipeAsync(
  v.object({ sub: v.string() }),
  v.checkAsync(async () => true),
)

export const plain = createResourceServer(options)
export const byZod = createResourceServer({ ...options, claims: zodSchema })
export const byValibot = createResourceServer({ ...options, claims: valibotSchema })
export const byAsync = createResourceServer({ ...options, claims: asyncSchema })

export async function claimsHaveTheTypeOfTheSchema(): Promise<void> {
  const zodAuth = await byZod.verify('')
  isTrue<Equal<typeof zodAuth.claims, { sub: string; org: { id: number }; expires: Date }>>(true)
  const valibotAuth = await byValibot.verify('')
  isTrue<Equal<typeof valibotAuth.claims, { user: string; level: number }>>(true)
  const asyncAuth = await byAsync.verify('')
  isTrue<Equal<typeof asyncAuth.claims, { sub: string }>>(true)
  const plainAuth = await plain.verify('')
  isTrue<Equal<typeof plainAuth.claims, AccessTokenClaims>>(true)
  isTrue<Equal<ClaimsOf<undefined>, AccessTokenClaims>>(true)
  isTrue<Equal<ClaimsOf<typeof zodSchema>, z.output<typeof zodSchema>>>(true)
  // @ts-expect-error the output has no such member
  valibotAuth.claims.sub
  // @ts-expect-error claims are read-only
  plainAuth.claims['sub'] = 'root'
  // @ts-expect-error auth is read-only
  plainAuth.subject = 'root'
  // @ts-expect-error so are its scopes
  plainAuth.scopes.push('admin')
}

export async function everyWayToAuthIsTyped(): Promise<void> {
  const result = await byZod.guard()({} as never)
  if (result.ok) isTrue<Equal<typeof result.auth, Auth<z.output<typeof zodSchema>>>>(true)
  // @ts-expect-error a refusal carries no auth
  else result.auth
  const optional = await byZod.optionalGuard()({} as never)
  // @ts-expect-error nobody may be there
  if (optional.ok) optional.auth.subject
  if (optional.ok && optional.auth) isTrue<Equal<typeof optional.auth.claims.org.id, number>>(true)
}

export function requirementsAreTyped(): void {
  byZod.guard({ claims: ({ org }) => org.id > 5, allow: ({ claims }) => claims.expires.getTime() > 0 })
  createResourceServer({ ...options, claims: zodSchema, isRevoked: ({ claims }) => claims.org.id === 5 })
  // @ts-expect-error the schema knows no such claim
  byZod.guard({ claims: ({ other }) => other })
  // @ts-expect-error a scope expression has one operator
  byZod.guard({ scope: { some: ['read'] } })
  // @ts-expect-error an undefined rule would be met by an absent claim
  byZod.guard({ claims: { org: undefined } })
  const reusable: Requirement = { scope: { any: ['a', { all: ['b', 'c'] }] }, acr: 'mfa' }
  byZod.guard(reusable)
  // @ts-expect-error only asymmetric algorithms have a name here
  createResourceServer({ ...options, issuer: { issuer: '', algorithms: ['HS256'] } })
  // @ts-expect-error exp, aud and sub never lack
  createResourceServer({ ...options, issuer: { issuer: '', optionalClaims: ['exp'] } })
}
