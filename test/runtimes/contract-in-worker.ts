/*
 * The contract of adapters inside a Worker. It stands in the place of test/adapters/contract.ts, of test/support/serve-fetch.ts,
 * of `node:http` and of `node:net`: a Worker cannot listen itself, and its `node:http` sends no request byte for byte. So requests go to a
 * relay in Node, which sends them over HTTP to the workerd that runs this.
 */
import { connect as connectTo, type Socket } from 'node:net'
import type { AdapterContract, AdapterHarness } from '../../src/testing/adapter-contract/index.js'

type Handle = (request: Request) => Response | Promise<Response>
type Listener = (value?: unknown) => void

/** What the relay answers. */
export interface Relayed {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly body: string
}

interface Environment {
  readonly RELAY: { fetch(url: string, init: RequestInit): Promise<Response> }
}

interface SentRequest {
  readonly port: string
  readonly method: string | undefined
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

const harnesses: AdapterHarness[] = []
const applications: Handle[] = []
const contracts = new Map<string, AdapterContract>()
let environment: Environment
let port: string

/** Only notes the harness: outside of a request a Worker can make no keys. */
export function describeAdapterContract(harness: AdapterHarness): void {
  harnesses.push(harness)
}

/** Cloudflare tells the address of a client so. */
export function connection(request: Request): { remoteAddress: string | undefined } {
  return { remoteAddress: request.headers.get('CF-Connecting-IP') ?? undefined }
}

/** Gives the handler a name of its own on the port of this workerd. */
export async function serveFetch(handle: Handle): Promise<{ origin: string; close(): Promise<void> }> {
  const origin = `http://app-${applications.length}.localhost:${port}`
  applications.push(handle)
  return { origin, close: async () => {} }
}

/** The part of `http.request` that the contract uses. */
export function request({ method, path, headers }: SentRequest, onResponse: (response: object) => void) {
  const failed: Listener[] = []
  const send = async (body: string) => {
    const sent = JSON.stringify({ port, method, path, headers, body })
    const answer = await environment.RELAY.fetch('http://relay/', { method: 'POST', body: sent })
    const relayed = (await answer.json()) as Relayed
    const listeners: Record<string, Listener> = {}
    const on = (event: string, listener: Listener) => {
      listeners[event] = listener
    }
    onResponse({ statusCode: relayed.status, rawHeaders: relayed.rawHeaders, on })
    listeners['data']?.(Buffer.from(relayed.body))
    listeners['end']?.()
  }
  return {
    on: (_event: 'error', listener: Listener) => void failed.push(listener),
    end: (body: string) => void send(body).catch((error) => failed.forEach((listener) => void listener(error))),
  }
}

/** The names of applications are for this module alone. */
export function connect(to: number): Socket {
  return connectTo(to, '127.0.0.1')
}

export function createServer(): never {
  throw new Error('a Worker cannot listen')
}

/** Lists the cases, runs one of them, or is an application that one of them asks. */
export async function fetchInWorker(
  request: Request,
  given: Environment,
  createContract: (harness: AdapterHarness) => AdapterContract,
): Promise<Response> {
  const { hostname, searchParams, port: own } = new URL(request.url)
  if (hostname !== 'cases.localhost') {
    const handle = applications[Number(/^app-(\d+)\./.exec(hostname)?.[1] ?? applications.length - 1)]
    return handle?.(request) ?? new Response(null, { status: 404 })
  }
  environment = given
  port = own
  for (const harness of harnesses) {
    if (!contracts.has(harness.name)) contracts.set(harness.name, createContract(harness))
  }
  const cases = [...contracts].flatMap(([name, contract]) => contract.cases.map((one) => ({ name, ...one })))
  const index = searchParams.get('run')
  if (index === null) return Response.json(cases.map(({ name, title }) => `${name}: ${title}`))
  try {
    await cases[Number(index)]?.run()
    return Response.json({})
  } catch (error) {
    return Response.json({ failure: String(error) })
  }
}
