import type { FastifyReply } from 'fastify'
import { mergeField } from '../../src/adapter.js'
import type { AuthError, HttpAnswer } from '../../src/index.js'

/** Sets fields, next to those the application set before. */
export function setHeaders(reply: FastifyReply, headers: HttpAnswer['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    reply.header(name, mergeField(name, reply.getHeader(name), value))
  }
}

/** Sends a whole answer. As bytes, since Fastify adds a charset to JSON that is a string. */
export function sendAnswer(reply: FastifyReply, { status, headers, body }: HttpAnswer): FastifyReply {
  setHeaders(reply, headers)
  return reply.code(status).send(body === '' ? undefined : new TextEncoder().encode(body))
}

/** The error with the fields its answer needs, as Fastify's error handler expects them. */
export function withHeaders(error: AuthError, { headers }: HttpAnswer, reply: FastifyReply): AuthError {
  const merged = Object.entries(headers).map(([name, value]) => [name, mergeField(name, reply.getHeader(name), value)])
  return Object.defineProperty(error, 'headers', { value: Object.fromEntries(merged), configurable: true })
}
