import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { createResourceServer } from 'portcullis'
import {
  currentAuth,
  Grant,
  Public,
  RequireScopes,
  RequireToken,
  runWithAuth,
  withCurrentAuth,
  withCurrentAuthInKoa,
} from 'portcullis/decorators'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

const server = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://issuer.test' })

@RequireToken({ maxAgeSeconds: 60 })
export class Reports {
  @RequireScopes('read', 'write')
  async list(page: number): Promise<string[]> {
    return [String(page)]
  }

  @Grant('https://calendar.test')
  answer(_request: unknown, response: { end(): void }): void {
    response.end()
  }

  @Public()
  ping(): string {
    return 'pong'
  }

  // @ts-expect-error a check takes time, so that the method cannot answer at once
  @RequireToken()
  now(): string {
    return 'now'
  }

  // @ts-expect-error a field is no method
  @RequireToken()
  field = async () => 'unguarded'
}

export async function methodsKeepTheirTypes(): Promise<void> {
  const names: string[] = await new Reports().list(1)
  // @ts-expect-error the parameter is a number
  await new Reports().list('1')
  const pong: string = runWithAuth(server, undefined, () => new Reports().ping())
  const plan: number | undefined = currentAuth<{ plan: number }>()?.claims.plan
  console.log(names, pong, plan)
}

export function everyFrameworkTakesTheMiddleware(): void {
  express().use(withCurrentAuth(server))
  Fastify().addHook('preHandler', withCurrentAuth(server))
  new Koa().use(withCurrentAuthInKoa(server))
}
