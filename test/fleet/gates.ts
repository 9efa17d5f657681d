import { setImmediate as nextTurn } from 'node:timers/promises'
import { createResourceServer, type Fetch, type ResourceServer } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { seeded } from '../support/turns.js'

/** What the gates of a fleet are asked about: JWTs, which need keys, or opaque tokens, which need introspection. */
export type TokenKind = 'jwt' | 'opaque'

/** What the authorization server of a fleet goes through, in seconds of virtual time. */
export interface GatePlan {
  readonly kind: TokenKind
  readonly instances: number
  /** From the start to the rotation, or to the outage where keys do not matter. */
  readonly steadySeconds: number
  /** From the rotation to the outage. Only with JWTs. */
  readonly rotationSeconds: number
  readonly outageSeconds: number
  readonly recoverySeconds: number
}

/** How busy the authorization server was in a span of time. */
export interface Traffic {
  readonly requests: number
  readonly perSecond: number
  /** In the busiest span of `binSeconds`. */
  readonly peakPerSecond: number
  readonly binSeconds: number
  readonly peakToMean: number
}

/** What came of the requests to the gates in a span of time. */
export interface Outcomes {
  readonly accepted: number
  /** 401: a good token that was refused. */
  readonly refused: number
  /** 503. */
  readonly unavailable: number
}

/** What one run showed. */
export interface GateResult {
  readonly plan: GatePlan
  readonly storm: Traffic
  readonly steady: Traffic
  /** How many requests an unannounced rotation caused. `undefined` with opaque tokens. */
  readonly rotation: { readonly requests: number; readonly perInstance: number } | undefined
  readonly outage: Traffic
  readonly recovery: Traffic
  readonly outcomes: Readonly<Record<'steady' | 'rotation' | 'outage' | 'recovery', Outcomes>>
  /** Requests at the authorization server in each minute. */
  readonly minutes: readonly number[]
}

const startMs = 1_800_000_000_000
/** Each gate is asked about each of its tokens so often. */
const everySeconds = 30
const tokensPerInstance = { jwt: 1, opaque: 2 }
/** So long after the start the storm is over: what comes then comes by itself. */
const stormSeconds = 60

type Phase = keyof GateResult['outcomes']

/**
 * Runs as many gates of the product as the plan says, each with its own caches, on one virtual clock. All start in the same
 * second; the authorization server answers at once, or refuses connections.
 */
export async function runGates(plan: GatePlan): Promise<GateResult> {
  const { kind, instances, steadySeconds, outageSeconds, recoverySeconds } = plan
  const rotationSeconds = kind === 'jwt' ? plan.rotationSeconds : 0
  const rotatesAt = steadySeconds
  const failsAt = rotatesAt + rotationSeconds
  const returnsAt = failsAt + outageSeconds
  const endsAt = returnsAt + recoverySeconds
  const world = createWorld()
  const random = seeded(instances)
  const real = Math.random
  Math.random = seeded(instances + 1)
  const outcomes = { steady: none(), rotation: none(), outage: none(), recovery: none() }
  try {
    const gates = Array.from({ length: instances }, () => ({
      server: world.gate(kind),
      phase: random() * everySeconds,
    }))
    if (kind === 'jwt') await Promise.all(gates.map(({ server }) => server.warmUp()))
    for (let second = 0; second < endsAt; second += 1) {
      if (second === rotatesAt && kind === 'jwt') world.rotate()
      world.isDown = second >= failsAt && second < returnsAt
      world.setTime(second)
      const phase = phaseAt(second)
      const due = gates.filter((gate) => Math.floor(gate.phase) === second % everySeconds)
      await Promise.all(due.map(({ server }, index) => ask(server, index, outcomes[phase])))
      await nextTurn()
    }
  } finally {
    Math.random = real
    world.close()
  }

  function phaseAt(second: number): Phase {
    if (second < rotatesAt) return 'steady'
    if (second < failsAt) return 'rotation'
    return second < returnsAt ? 'outage' : 'recovery'
  }

  async function ask(server: ResourceServer, index: number, outcome: Record<keyof Outcomes, number>): Promise<void> {
    for (let number = 0; number < tokensPerInstance[kind]; number += 1) {
      const result = await server.authenticate(world.facts(kind, `${index}-${number}`))
      if (result.ok) outcome.accepted += 1
      else if (result.answer.status === 503) outcome.unavailable += 1
      else outcome.refused += 1
    }
  }

  const rotation = world.count(rotatesAt, rotatesAt + stormSeconds)
  return {
    plan,
    storm: world.traffic(0, stormSeconds, 1),
    steady: world.traffic(stormSeconds, steadySeconds, kind === 'jwt' ? 600 : 60),
    rotation: kind === 'jwt' ? { requests: rotation, perInstance: rotation / instances } : undefined,
    outage: world.traffic(failsAt + stormSeconds, returnsAt, 60),
    recovery: world.traffic(returnsAt, returnsAt + stormSeconds, 10),
    outcomes,
    minutes: Array.from({ length: Math.ceil(endsAt / 60) }, (_, minute) => world.count(minute * 60, minute * 60 + 60)),
  }
}

function none(): Record<keyof Outcomes, number> {
  return { accepted: 0, refused: 0, unavailable: 0 }
}

/** One authorization server and one clock for all gates. */
function createWorld() {
  let nowMs = startMs
  const clock = () => nowMs
  const issuer = createTestIssuer({ clock, lifetimeSeconds: 86_400 })
  const perSecond = new Map<number, number>()
  let jwt = requestOf(issuer.mintToken())
  const opaque = new Map<string, ReturnType<typeof requestFacts>>()

  /** Counts, and answers as the issuer does, which would remember each request. */
  const fetch: Fetch = async (url, { body }) => {
    const second = Math.floor((nowMs - startMs) / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
    if (world.isDown) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
    if (url.endsWith('/introspect')) {
      const token = new URLSearchParams(body).get('token')
      return Response.json({ active: true, sub: token, aud: 'https://api.example.com', client_id: 'app' })
    }
    return (await documents()).get(url)?.() ?? new Response(null, { status: 404 })
  }

  let made: Promise<Map<string, () => Response>> | undefined
  const documents = () => {
    made ??= makeDocuments()
    return made
  }
  async function makeDocuments() {
    const metadataUrl = `${issuer.issuer}/.well-known/oauth-authorization-server`
    const metadata = await read(metadataUrl)
    const { jwks_uri: jwksUri } = JSON.parse(metadata) as { readonly jwks_uri: string }
    const keys = await read(jwksUri)
    return new Map([
      [metadataUrl, () => json(metadata)],
      [jwksUri, () => json(keys)],
    ])
  }
  async function read(url: string): Promise<string> {
    const { signal } = new AbortController()
    return (await issuer.fetch(url, { method: 'GET', headers: {}, redirect: 'manual', signal })).text()
  }

  function count(from: number, to: number): number {
    let requests = 0
    for (let second = from; second < to; second += 1) requests += perSecond.get(second) ?? 0
    return requests
  }

  const world = {
    isDown: false,
    setTime(second: number) {
      nowMs = startMs + second * 1000
    },
    /** New keys, which sign from now on, and which no gate has heard of. */
    rotate() {
      issuer.rotateKeys()
      made = undefined
      jwt = requestOf(issuer.mintToken())
    },
    gate: (kind: TokenKind): ResourceServer =>
      createResourceServer({
        resource: 'https://api.example.com',
        issuer: kind === 'jwt' ? issuer.issuer : { issuer: issuer.issuer, introspection: { credential } },
        fetch,
        clock,
      }),
    facts(kind: TokenKind, token: string) {
      if (kind === 'jwt') return jwt
      const facts = opaque.get(token) ?? requestOf(`opaque-${token}`)
      opaque.set(token, facts)
      return facts
    },
    count,
    traffic(from: number, to: number, binSeconds: number): Traffic {
      const requests = count(from, to)
      let peak = 0
      for (let start = from; start + binSeconds <= to; start += binSeconds) {
        peak = Math.max(peak, count(start, start + binSeconds))
      }
      const perSecond = requests / (to - from)
      const peakPerSecond = peak / binSeconds
      return {
        requests,
        perSecond,
        peakPerSecond,
        binSeconds,
        peakToMean: perSecond === 0 ? 0 : peakPerSecond / perSecond,
      }
    },
    close: () => void issuer.close(),
  }
  return world
}

const credential = clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' })

function requestOf(token: string) {
  return requestFacts({ headers: { authorization: `Bearer ${token}` } })
}

function json(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}
