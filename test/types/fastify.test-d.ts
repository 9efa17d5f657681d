import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { type Auth, createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fastify'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

const server = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://issuer.test' })
const app = Fastify()
void app.register(portcullis, { server })

export function aDeclaredRequirementMakesTheIdentitySure(): void {
  app.get('/me', { config: { portcullis: { scope: 'profile' } } }, async (request) => {
    const auth: Auth = request.auth
    return auth.claims
  })
  app.get('/me', { config: { portcullis: {} } }, (request, reply) => reply.send(request.auth.subject))
  app.route({
    method: 'GET',
    url: '/me',
    config: { portcullis: { claims: { tenant: 'acme' }, grants: ['https://calendar.test/'] } },
    handler: async (request) => request.auth.access.token('https://calendar.test/'),
  })
}

export function optionalTokensMayBeAbsent(): void {
  app.get('/me', { config: { portcullis: { optional: true } } }, async (request) => {
    // @ts-expect-error nobody may have called
    request.auth.claims
    return request.auth?.claims
  })
}

export function routesWithoutADeclarationMayHaveNobody(): void {
  app.get('/me', async (request) => {
    // @ts-expect-error nobody was asked for
    request.auth.claims
  })
  app.get('/me', { onRequest: app.requireToken() }, async (request) => request.auth?.claims)
  app.get('/me', { onRequest: [app.requireToken(), app.grant('https://calendar.test/')] }, async (request) =>
    request.auth?.access.has('https://calendar.test/'),
  )
}

export function mistakesInADeclarationShow(): void {
  // @ts-expect-error a scope is text
  app.get('/me', { config: { portcullis: { scope: 1 } } }, async () => 'never')
}

export function identitiesAreReadOnly(): void {
  app.get('/me', async (request) => {
    // @ts-expect-error identities are not for handlers to write
    request.auth = null
  })
}

export function schemasKeepTheirTypes(): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const schema = { params: Type.Object({ id: Type.Number() }), body: Type.Object({ name: Type.String() }) }
  typed.post('/items/:id', { schema, config: { portcullis: { scope: 'write' } } }, async (request) => {
    const id: number = request.params.id
    const name: string = request.body.name
    // @ts-expect-error the schema knows no such parameter
    request.params.other
    return { id, name, by: request.auth.subject }
  })
  typed.post('/items/:id', { schema, onRequest: app.requireToken({ scope: 'write' }) }, async (request) => {
    const id: number = request.params.id
    return { id, by: request.auth?.subject }
  })
}
