import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fetch'
import { z } from 'zod'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

const options = { resource: 'https://api.example.com', issuer: 'https://issuer.test' }
const gate = portcullis(createResourceServer({ ...options, claims: z.object({ sub: z.string(), plan: z.number() }) }))

export const withPlatformArguments = gate.withAuth(
  { scope: 'profile' },
  async (request, auth, { params }: { params: Promise<{ id: string }> }) =>
    Response.json({ url: request.url, plan: auth.claims.plan, id: (await params).id }),
)
export function routeHandler(): (request: Request, context: { params: Promise<{ id: string }> }) => Promise<Response> {
  return withPlatformArguments
}
export const worker: { fetch(request: Request, env: { name: string }): Promise<Response> } = {
  fetch: gate.withAuth({}, (_request, auth, env: { name: string }) => new Response(env.name + auth.subject)),
}

export async function byHand(request: Request): Promise<Response> {
  const result = await gate.requireToken({ scope: 'profile' })(request)
  // @ts-expect-error it may be refused
  result.auth
  if (!result.ok) return result.response
  const plan: number = result.auth.claims.plan
  // @ts-expect-error the schema knows no such claim
  result.auth.claims.other
  return Response.json({ plan }, { headers: result.headers })
}

export async function optionalTokensMayBeAbsent(request: Request): Promise<Response> {
  const result = await gate.optionalToken()(request)
  if (!result.ok) return result.response
  // @ts-expect-error nobody may have called
  result.auth.claims
  return Response.json(result.auth?.claims.plan ?? gate.authOf(request)?.claims.plan)
}
