import 'reflect-metadata'
import { ExpressAdapter } from '@nestjs/platform-express'
import Fastify from 'fastify'
import { ConfigurationError, createResourceServer } from 'portcullis'
import { runWithAuth, withCurrentAuth, withCurrentAuthInKoa } from 'portcullis/decorators'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forFetch } from 'portcullis/fetch'
import { portcullis as forKoa } from 'portcullis/koa'
import { mcpGate } from 'portcullis/mcp'
import { describe, expect, it } from 'vitest'
import { createApplication } from './nest-harness.js'

const server = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://issuer.test' })

const entries: Readonly<Record<string, (options: object) => unknown>> = {
  express: (options) => forExpress(server, options),
  fastify: (options) => Fastify().register(forFastify, { server, ...options }),
  fetch: (options) => forFetch(server, options),
  koa: (options) => forKoa(server, options),
  mcp: (options) => mcpGate(server, options),
  nest: (options) => createApplication({ server, ...options }, [], new ExpressAdapter()),
  'decorators (withCurrentAuth)': (options) => withCurrentAuth(server, options),
  'decorators (withCurrentAuthInKoa)': (options) => withCurrentAuthInKoa(server, options),
  'decorators (runWithAuth)': (options) => runWithAuth(server, undefined, () => 'ran', options),
}

describe.each(Object.entries(entries))('the options of %s', (_name, make) => {
  it('refuse a name they do not have, and say which was meant', async () => {
    const made = async () => make({ resorce: 'https://api.example.com' })
    await expect(made).rejects.toThrow(ConfigurationError)
    await expect(made).rejects.toThrow(/^\w+ has no option `resorce`\. Did you mean `resource`\?/)
  })

  it('take the names they have', async () => {
    await expect(
      (async () => make({ resource: 'https://api.example.com', grants: undefined }))(),
    ).resolves.toBeDefined()
  })
})

it('the Fastify plugin is given the options of `register` as well', async () => {
  const options = { server, prefix: '/api', logLevel: 'error' } as const
  await expect(Fastify().register(forFastify, options).ready()).resolves.toBeDefined()
})
