import Router from '@koa/router'
import Koa from 'koa'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/koa'
import { z } from 'zod'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

const options = { resource: 'https://api.example.com', issuer: 'https://issuer.test' }
const gate = portcullis(createResourceServer({ ...options, claims: z.object({ sub: z.string(), plan: z.number() }) }))
const app = new Koa()
const router = new Router()

export function claimsOfTheSchemaReachTheHandler(): void {
  router.get('/me/:id', gate.requireToken({ scope: 'profile' }), (ctx) => {
    const plan: number = ctx.state.auth.claims.plan
    // @ts-expect-error the schema knows no such claim
    ctx.state.auth.claims.other
    ctx.body = { plan, id: ctx.params['id'] }
  })
}

export function grantsKeepTheIdentity(): void {
  router.get('/me', gate.requireToken(), gate.grant('https://calendar.test/'), (ctx) => {
    ctx.body = [ctx.state.auth.claims.plan, ctx.state.auth.access.token('https://calendar.test/')]
  })
}

export function optionalTokensMayBeAbsent(): void {
  router.get('/me', gate.optionalToken(), (ctx) => {
    // @ts-expect-error nobody may have called
    ctx.state.auth.claims
    ctx.body = ctx.state.auth?.claims.plan
  })
}

export function handlersWithoutAGuardSeeNoAuth(): void {
  router.get('/me', (ctx) => {
    // @ts-expect-error there is no guard
    ctx.body = ctx.state.auth
  })
}

export function identitiesAreReadOnly(): void {
  router.get('/me', gate.requireToken(), (ctx) => {
    // @ts-expect-error identities are not for handlers to write
    ctx.state.auth = undefined as never
  })
}

export function applicationsKeepTheIdentityToo(): void {
  app
    .use(gate.metadata())
    .use(gate.requireToken())
    .use((ctx) => {
      const plan: number = ctx.state.auth.claims.plan
      ctx.body = plan
    })
}
