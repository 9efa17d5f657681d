import type { Clock } from '../kit/clock.js'
import type { JsonObject } from '../kit/json.js'
import { type IssuerEndpoint, issuerEndpoints } from './issuer-endpoints.js'

/** A request the issuer received. @group Testing */
export interface ReceivedRequest {
  /** `undefined` for a path the issuer does not serve. */
  readonly endpoint: IssuerEndpoint | undefined
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** By the issuer's clock. */
  readonly atMs: number
}

/** Requests held back at an endpoint. @group Testing */
export interface Hold {
  /** Resolves when the first request has arrived. */
  readonly arrived: Promise<void>
  /** Lets all of them, and later ones, go on. */
  release(): void
}

/** Steers and observes the endpoints of a test issuer. @group Testing */
export interface EndpointControls {
  /**
   * Makes endpoints behave in a certain way: for the next `times` requests to each, or until {@link restore}. Replaces
   * what was set before.
   */
  override(
    endpoint: IssuerEndpoint | readonly IssuerEndpoint[],
    behaviour: EndpointBehaviour,
    options?: { readonly times?: number },
  ): void
  /** Ends what {@link override} began, at one endpoint or at all. */
  restore(endpoint?: IssuerEndpoint): void
  /** Holds requests to an endpoint back until released; the answer is made at the release. */
  hold(endpoint: IssuerEndpoint): Hold
  /** What was received so far, oldest first: at one endpoint, or altogether. */
  requests(endpoint?: IssuerEndpoint): readonly ReceivedRequest[]
  /** How many requests that makes. */
  requestCount(endpoint?: IssuerEndpoint): number
}

/** What the issuer itself asks of its controls. */
export interface EndpointSwitchboard {
  readonly controls: EndpointControls
  /** Logs a request and waits while its endpoint is held. */
  receive(request: Omit<ReceivedRequest, 'atMs'>): Promise<void>
  /** Uses up one turn of the override of an endpoint. */
  takeOverride(endpoint: IssuerEndpoint): EndpointBehaviour | undefined
  /** Releases whatever is held. */
  releaseAll(): void
}

interface Gate extends Hold {
  readonly released: Promise<void>
  arrive(): void
}

/** The state behind {@link EndpointControls}. */
export function createSwitchboard(clock: Clock): EndpointSwitchboard {
  const overrides = new Map<IssuerEndpoint, { readonly behaviour: EndpointBehaviour; turns: number }>()
  const gates = new Map<IssuerEndpoint, Gate>()
  const log: ReceivedRequest[] = []
  const requests = (endpoint?: IssuerEndpoint) =>
    log.filter((entry) => endpoint === undefined || entry.endpoint === endpoint)

  const controls: EndpointControls = {
    override(endpoint, behaviour, { times = Number.POSITIVE_INFINITY } = {}) {
      for (const name of [endpoint].flat()) overrides.set(name, { behaviour, turns: times })
    },
    restore(endpoint) {
      for (const name of endpoint === undefined ? issuerEndpoints : [endpoint]) overrides.delete(name)
    },
    hold(endpoint) {
      const gate = createGate()
      gates.get(endpoint)?.release()
      gates.set(endpoint, gate)
      return { arrived: gate.arrived, release: gate.release }
    },
    requests,
    requestCount: (endpoint) => requests(endpoint).length,
  }
  return {
    controls,
    async receive(request) {
      log.push({ ...request, atMs: clock() })
      const gate = request.endpoint && gates.get(request.endpoint)
      gate?.arrive()
      await gate?.released
    },
    takeOverride(endpoint) {
      const override = overrides.get(endpoint)
      if (override === undefined || override.turns <= 0) return undefined
      override.turns -= 1
      return override.behaviour
    },
    releaseAll() {
      for (const gate of gates.values()) gate.release()
    },
  }
}

function createGate(): Gate {
  let arrive!: () => void
  let release!: () => void
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return { arrived, released, arrive, release }
}

/** An HTTP answer of the issuer before it is sent. */
export interface IssuerAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * How an endpoint behaves instead of answering as it should. The usual answer is the one it would give otherwise.
 *
 * @group Testing
 */
export type EndpointBehaviour =
  /** A network error: the fetch rejects, the socket is destroyed. */
  | { readonly kind: 'down' }
  /** Nothing comes until the client gives up: no head at all, or (`body`) the head and half of the body. */
  | { readonly kind: 'hang'; readonly during?: 'head' | 'body' }
  /** The usual answer, one byte every `intervalMs` milliseconds (default 10): a slow loris. */
  | { readonly kind: 'drip'; readonly intervalMs?: number }
  /** An error status with an OAuth error body. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** A redirect, by default 302 to another host. */
  | { readonly kind: 'redirect'; readonly location?: string; readonly status?: 301 | 302 | 303 | 307 | 308 }
  /** The usual answer padded with white space to `bytes`: still valid JSON, only too big. */
  | { readonly kind: 'oversized'; readonly bytes: number }
  /** A page, with status 200, as captive portals and gateways answer. */
  | { readonly kind: 'html' }
  /** The usual answer with parts of it replaced; a body that is an object becomes JSON. */
  | {
      readonly kind: 'answer'
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | JsonObject
    }

/** What becomes of one request. */
export type Outcome =
  | { readonly kind: 'down' }
  | { readonly kind: 'hang' }
  | {
      readonly kind: 'answer'
      readonly answer: IssuerAnswer
      /** `half` stops in the middle of the body; a number sends one byte every so many milliseconds. */
      readonly pace: 'whole' | 'half' | number
    }

type Answering = (usual: IssuerAnswer) => IssuerAnswer

/** Applies `behaviour` to the usual answer of an endpoint. */
export function behave(behaviour: EndpointBehaviour, usual: () => IssuerAnswer): Outcome {
  switch (behaviour.kind) {
    case 'down':
      return { kind: 'down' }
    case 'hang':
      return behaviour.during === 'body' ? { kind: 'answer', answer: usual(), pace: 'half' } : { kind: 'hang' }
    case 'drip':
      return { kind: 'answer', answer: usual(), pace: behaviour.intervalMs ?? 10 }
    default:
      return { kind: 'answer', answer: answering(behaviour)(usual()), pace: 'whole' }
  }
}

function answering(behaviour: Exclude<EndpointBehaviour, { kind: 'down' | 'hang' | 'drip' }>): Answering {
  switch (behaviour.kind) {
    case 'status':
      return () => jsonAnswer(behaviour.status, { error: 'server_error' }, behaviour.headers)
    case 'redirect': {
      const { status = 302, location = 'https://elsewhere.test/' } = behaviour
      return () => ({ status, headers: { location }, body: '' })
    }
    case 'oversized':
      return (usual) => ({ ...usual, body: usual.body.padStart(behaviour.bytes) })
    case 'html':
      return () => ({
        status: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!doctype html><title>Sign in</title>',
      })
    case 'answer':
      return (usual) => replaceParts(usual, behaviour)
  }
}

function replaceParts(usual: IssuerAnswer, parts: EndpointBehaviour & { kind: 'answer' }): IssuerAnswer {
  const { status = usual.status, headers, body = usual.body } = parts
  return {
    status,
    headers: { ...usual.headers, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

/** An answer whose body is JSON. */
export function jsonAnswer(status: number, body: JsonObject, headers?: Readonly<Record<string, string>>): IssuerAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
