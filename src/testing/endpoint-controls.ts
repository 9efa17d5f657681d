import type { Clock } from '../kit/clock.js'
import type { EndpointBehaviour } from './behaviour.js'
import { type IssuerEndpoint, issuerEndpoints } from './endpoints.js'

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
