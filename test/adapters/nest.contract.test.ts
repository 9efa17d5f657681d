import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { describeAdapterContract } from './contract.js'
import { nestHarness } from './nest-harness.js'

describeAdapterContract(nestHarness('NestJS 11 on Express', () => new ExpressAdapter()))
describeAdapterContract(nestHarness('NestJS 11 on Fastify', lenientFastify))

/** Fastify refuses bodies of no known type before anybody asks for a token. */
function lenientFastify(): FastifyAdapter {
  const adapter = new FastifyAdapter()
  adapter.getInstance().addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  return adapter
}
