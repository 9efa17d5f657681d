/** The API on your own machine, with an authorization server in the same process: npm start */
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { createResourceServer } from 'portcullis'
import { createTestIssuer } from 'portcullis/testing'
import { AppModule } from './app.module.js'

const { PORT = '3000' } = process.env
const resource = `http://127.0.0.1:${PORT}`
const issuer = createTestIssuer({ audience: resource, lifetimeSeconds: 3600 })
const server = createResourceServer({ resource, issuer: await issuer.listen(), allowInsecureLoopback: true })

const app = await NestFactory.create(AppModule.forServer(server), { logger: ['error', 'warn'] })
await app.listen(Number(PORT), '127.0.0.1')
const token = issuer.mintToken({ sub: 'alice', scope: 'notes:read notes:write' })
console.log(`The API is at ${resource}`)
console.log(`Try: curl -i ${resource}/notes -H 'Authorization: Bearer ${token}'`)
