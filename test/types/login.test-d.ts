import Router from '@koa/router'
import express from 'express'
import { fastify } from 'fastify'
import * as onExpress from 'portcullis/express'
import * as onFastify from 'portcullis/fastify'
import * as onFetch from 'portcullis/fetch'
import * as onKoa from 'portcullis/koa'
import type { Login, LoginSession } from 'portcullis/login'
import { RequireLogin } from 'portcullis/nest'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

declare const login: Login
declare function sees<Seen>(value: Seen): void

export function handlersBehindAGuardSeeWhoSignedIn(): void {
  express().get('/', onExpress.requireLogin(login), (req) => sees<LoginSession>(req.login))
  new Router().get('/', onKoa.requireLogin(login), (ctx) => sees<LoginSession>(ctx.state.login))
  onFetch.withLogin(login, {}, (_request, session) => {
    sees<LoginSession>(session)
    return new Response()
  })
}

export function whereASessionIsOptionalThereMayBeNone(): void {
  // @ts-expect-error nobody may have signed in
  express().get('/', onExpress.optionalLogin(login), (req) => sees<LoginSession>(req.login))
  // @ts-expect-error nobody may have signed in
  new Router().get('/', onKoa.optionalLogin(login), (ctx) => sees<LoginSession>(ctx.state.login))
  express().get('/', onExpress.optionalLogin(login), (req) => sees<LoginSession | undefined>(req.login))
}

export function hooksOfFastifyDoNotChangeTheType(): void {
  fastify().get('/', { onRequest: onFastify.requireLogin(login) }, (request) => {
    sees<LoginSession | undefined>(request.login)
    // @ts-expect-error a type of Fastify does not know of hooks
    sees<LoginSession>(request.login)
  })
}

export function handlersWithoutAGuardSeeNobody(): void {
  // @ts-expect-error there is no guard
  express().get('/', (req) => sees(req.login))
}

export function requirementsHaveTheirNames(): void {
  // @ts-expect-error it is called acrValues
  onExpress.requireLogin(login, { acr: 'mfa' })
  // @ts-expect-error it is called maxAgeSeconds
  RequireLogin({ maxAge: 60 })
}
