import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fastify'

const Note = Type.Object({ text: Type.String({ maxLength: 1000 }) })

/** An API where each user keeps notes. `server` says whose tokens it accepts. */
export async function createApp(server: ResourceServer) {
  const notes = new Map<string, string[]>()

  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(portcullis, { server })

  app.get('/hello', { onRequest: app.optionalToken() }, async (request) => {
    return { hello: request.auth?.subject ?? 'stranger' }
  })

  app.get('/notes', { config: { portcullis: { scope: 'notes:read' } } }, async (request) => {
    return notes.get(request.auth.subject) ?? []
  })

  // The guard runs before the body is read: who has no token learns nothing of the schema.
  app.post(
    '/notes',
    { config: { portcullis: { scope: 'notes:write' } }, schema: { body: Note } },
    async (request, reply) => {
      const { subject } = request.auth
      notes.set(subject, [...(notes.get(subject) ?? []), request.body.text])
      reply.code(201)
      return { text: request.body.text }
    },
  )

  return app
}
