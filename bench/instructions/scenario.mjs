/*
 * One way through the package, `turns` times over, in a process of its own: `node scenario.mjs <name> <turns> <input> [<loops>]`.
 * count.mjs runs it. Prints the bytes that a turn allocates, and the id of the process.
 *
 * The signature check is taken out, since it is the platform's and takes ten times as many instructions as all the rest.
 */
import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const [, , name, turns, inputFile, busyLoops = '0'] = process.argv
const { issuer, audience, scope, jwks, tokens, bound, limitModule } = JSON.parse(readFileSync(inputFile, 'utf8'))
const root = join(import.meta.dirname, '..', '..')
const dist = (entry) => import(pathToFileURL(join(root, 'dist', entry)).href)
const peer = async (module) => {
  const file = createRequire(join(root, 'package.json')).resolve(module)
  return (await import(pathToFileURL(file).href)).default
}

/** Until everything is compiled for good. */
const warmUpTurns = 20_000
const allocatingTurns = 100

crypto.verify = (_digest, _data, _key, _signature, callback) =>
  callback === undefined || queueMicrotask(() => callback(null, true))
syncBuiltinESMExports()

async function createServer(tokenCacheEntries, dpop = 'off') {
  const { createResourceServer } = await dist('src/index.js')
  const fetch = async () => Response.json(jwks)
  return createResourceServer({
    resource: audience,
    issuer: { issuer, jwksUri: `${issuer}/jwks` },
    fetch,
    tokenCacheEntries,
    dpop,
  })
}

const fields = [
  'Host',
  'api.example.com',
  'Connection',
  'keep-alive',
  'Accept',
  'application/json',
  'User-Agent',
  'bench/1',
]
const rawHeadersOf = (token) => [...fields, 'Authorization', `Bearer ${token}`]

/** A request as an adapter hands it to the gate. */
function plainRequest(token) {
  const rawHeaders = rawHeadersOf(token)
  const pairs = rawHeaders.flatMap((field, at) => (at % 2 === 0 ? [[field.toLowerCase(), rawHeaders[at + 1]]] : []))
  return { method: 'GET', url: '/me', rawHeaders, headers: Object.fromEntries(pairs) }
}

async function gate(given, tokenCacheEntries) {
  const { nodeRequestFacts } = await dist('src/adapter.js')
  const guard = (await createServer(tokenCacheEntries)).guard({ scope })
  const requests = given.map(plainRequest)
  let turn = 0
  return async () => {
    const judged = guard(nodeRequestFacts(requests[turn++ % requests.length]))
    const result = judged instanceof Promise ? await judged : judged
    if (!result.ok) throw result.error
  }
}

/** Every request has a proof of its own, of one client; only their signatures are not real. */
function requestsWithProofs() {
  const { token, proof } = bound
  const [header, payload, signature] = proof.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return Array.from({ length: warmUpTurns + allocatingTurns + Number(turns) }, () => {
    const own = Buffer.from(JSON.stringify({ ...claims, jti: crypto.randomUUID() })).toString('base64url')
    const { headers, rawHeaders: _, ...request } = plainRequest(token)
    const credentials = { authorization: `DPoP ${token}`, dpop: `${header}.${own}.${signature}` }
    const rawHeaders = [...fields, 'Authorization', credentials.authorization, 'DPoP', credentials.dpop]
    return { ...request, headers: { ...headers, ...credentials }, rawHeaders }
  })
}

async function gateWithProofs() {
  const { nodeRequestFacts } = await dist('src/adapter.js')
  const guard = (await createServer(1000, 'required')).guard({ scope })
  const requests = requestsWithProofs()
  let turn = 0
  return async () => {
    const judged = guard(nodeRequestFacts(requests[turn++]))
    const result = judged instanceof Promise ? await judged : judged
    if (!result.ok) throw result.error
  }
}

/** The same by the hand-written verifier of bench/limit.ts. */
async function limit(given, cacheEntries) {
  const { createTokenLimit } = await import(pathToFileURL(limitModule).href)
  const verify = createTokenLimit({ issuer, audience, algorithm: 'RS256', jwk: jwks.keys[0], scope, cacheEntries })
  const requests = given.map(plainRequest)
  let turn = 0
  return async () => void verify(requests[turn++ % requests.length].headers.authorization)
}

async function limitWithProofs() {
  const { createBoundTokenLimit } = await import(pathToFileURL(limitModule).href)
  const settings = { issuer, audience, algorithm: 'RS256', jwk: jwks.keys[0], scope, cacheEntries: 1000 }
  const verify = createBoundTokenLimit(settings)
  const requests = requestsWithProofs()
  let turn = 0
  return async () => {
    const { method, headers } = requests[turn++]
    verify({ authorization: headers.authorization, dpop: headers.dpop, method, url: `${audience}/me` })
  }
}

const socket = { encrypted: false, remoteAddress: '127.0.0.1', readable: true, writable: true }

/** Sends requests as the parser of Node makes them, until the handler is reached. Nothing is answered. */
function through(listener, reached) {
  const rawHeaders = rawHeadersOf(tokens[0])
  return () => {
    const request = new IncomingMessage(socket)
    request.method = 'GET'
    request.url = '/me'
    request._addHeaderLines(rawHeaders, rawHeaders.length)
    const done = new Promise((resolve, reject) => {
      reached.resolve = resolve
      reached.reject = reject
    })
    listener(request, new ServerResponse(request))
    return done
  }
}

async function fastify(isGuarded) {
  const reached = {}
  const app = (await peer('fastify'))()
  const { portcullis } = await dist('adapters/fastify/index.js')
  if (isGuarded) await app.register(portcullis, { server: await createServer(1000) })
  const config = isGuarded ? { portcullis: { scope } } : {}
  app.get('/me', { config }, (_request, reply) => {
    reply.hijack()
    reached.resolve()
  })
  await app.ready()
  return through((request, response) => app.routing(request, response), reached)
}

async function koa(isGuarded) {
  const reached = {}
  const Koa = await peer('koa')
  const app = new Koa()
  const { portcullis } = await dist('adapters/koa/index.js')
  app.on('error', (error) => reached.reject(error))
  if (isGuarded) app.use(portcullis(await createServer(1000)).requireToken({ scope }))
  app.use((ctx) => {
    ctx.respond = false
    reached.resolve()
  })
  return through(app.callback(), reached)
}

const scenarios = {
  nothing: () => async () => {},
  hash: () => async () => void crypto.hash('sha256', tokens[0], 'base64url'),
  repeated: () => gate(tokens.slice(0, 1), 1000),
  new: () => gate(tokens, tokens.length / 4),
  'fastify bare': () => fastify(false),
  'repeated limit': () => limit(tokens.slice(0, 1), 1000),
  'new limit': () => limit(tokens, tokens.length / 4),
  dpop: gateWithProofs,
  'dpop limit': limitWithProofs,
  fastify: () => fastify(true),
  'koa bare': () => koa(false),
  koa: () => koa(true),
}

const noSignal = 0
/** A number, as the other is: code compiled for one type would be thrown away at the first of another. */
const mark = constants.signals.SIGUSR2

/** Marks are for step.c, which counts what happens between two of them. */
async function between(signal, run) {
  process.kill(process.pid, signal)
  await run()
  process.kill(process.pid, signal)
}

/** One request in each turn of the event loop, so that no signature goes to the thread pool. */
async function repeat(times, signal, run) {
  for (let turn = 0; turn < times; turn++) {
    await setImmediate()
    await between(signal, run)
  }
}

/** Work that is in no way useful: what a change for the worse would look like. */
function idle(loops) {
  let sum = 0
  for (let n = 0; n < loops; n++) sum = (sum * 31 + n) | 0
  return sum
}

const once = await scenarios[name]()
const run = busyLoops === '0' ? once : () => (idle(Number(busyLoops)) === 0.5 ? undefined : once())
await repeat(warmUpTurns, noSignal, run)
const before = process.memoryUsage().heapUsed
await repeat(allocatingTurns, noSignal, run)
const bytes = (process.memoryUsage().heapUsed - before) / allocatingTurns
await repeat(Number(turns), mark, run)
process.stdout.write(`${bytes} ${process.pid}\n`)
process.exit(0)
