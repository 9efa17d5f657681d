import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Controller, Get, type Type } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { nodeRequestFacts } from 'portcullis/adapter'
import { portcullis } from 'portcullis/express'
import { portcullis as fastifyPlugin } from 'portcullis/fastify'
import { portcullis as koaGate } from 'portcullis/koa'
import { mcpGate } from 'portcullis/mcp'
import { Public } from 'portcullis/nest'
import { describe, expect, it } from 'vitest'
import { createApplication } from './nest-harness.js'

const prefix = '/.well-known/oauth-protected-resource'
const makeServer = (resource: string) => createResourceServer({ resource, issuer: 'https://issuer.test' })

async function resourcesAt(listener: RequestListener, paths: readonly string[]): Promise<readonly unknown[]> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const found = paths.map(async (path) => {
    const response = await fetch(`${origin}${path}`)
    const text = await response.text()
    return response.status === 200 ? JSON.parse(text).resource : response.status
  })
  try {
    return await Promise.all(found)
  } finally {
    http.close()
  }
}

/** Serves the document of a second server as a handler of the application, which the module has to leave to it. */
function documentsOf(server: ResourceServer): Type {
  const controller = class {
    async document() {
      const answer = await server.metadata(nodeRequestFacts({ url: `${prefix}/two`, headers: {} }))
      return JSON.parse(answer?.body ?? '')
    }
  }
  const { prototype } = controller
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'document') as PropertyDescriptor
  for (const decorate of [Public(), Get(`${prefix}/two`)]) decorate(prototype, 'document', descriptor)
  Controller()(controller)
  return controller
}

const applications: Readonly<Record<string, (servers: readonly ResourceServer[]) => Promise<RequestListener>>> = {
  Express: async (servers) => {
    const app = express()
    for (const server of servers) app.use(portcullis(server).metadata())
    return app
  },
  Koa: async (servers) => {
    const app = new Koa()
    for (const server of servers) app.use(koaGate(server).metadata())
    return app.callback()
  },
  Fastify: async (servers) => {
    const app = Fastify()
    for (const server of servers) {
      await app.register((scope, _options, done) => {
        scope.register(fastifyPlugin, { server })
        done()
      })
    }
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  NestJS: async ([server, ...others]) => {
    const controllers = others.map(documentsOf)
    const app = await createApplication({ server: server as ResourceServer }, controllers, new ExpressAdapter())
    await app.init()
    return app.getHttpAdapter().getInstance()
  },
}

describe.each(Object.entries(applications))('two servers in one application of %s', (_, serve) => {
  it('[REAL-37] both serve their documents', async () => {
    const listener = await serve([makeServer('https://api.example.com/one'), makeServer('https://api.example.com/two')])
    expect(await resourcesAt(listener, [`${prefix}/one`, `${prefix}/two`, `${prefix}/three`, prefix])).toEqual([
      'https://api.example.com/one',
      'https://api.example.com/two',
      404,
      404,
    ])
  })
})

describe('the gate of an MCP endpoint', () => {
  it('[REAL-39] has the only resource of its server served at the root, and no other', async () => {
    const [api, mcp] = [makeServer('https://api.example.com/api'), makeServer('https://api.example.com/mcp')]
    mcpGate(mcp)
    const listener = await (applications['Express'] as (typeof applications)[string])([api, mcp])
    expect(await resourcesAt(listener, [`${prefix}/api`, prefix])).toEqual([
      'https://api.example.com/api',
      'https://api.example.com/mcp',
    ])
    const several = createResourceServer({
      resource: ['https://api.example.com/a', 'https://api.example.com/b'],
      issuer: 'https://issuer.test',
    })
    mcpGate(several, { resource: 'https://api.example.com/a' })
    expect(await resourcesAt(express().use(portcullis(several).metadata()), [prefix])).toEqual([404])
  })
})
