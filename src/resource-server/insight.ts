/**
 * The private door of a server: what its guards made of requests, and what it holds. The development page alone goes
 * through it: what is seen here holds tokens, which no event ever does. Does NOT judge anything.
 */
import type { AuthScheme } from '../auth/auth.js'
import type { AuthError } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import { emit } from '../kit/event-sink.js'
import type { Explanation } from './explain.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { Judged, Seen, Watchers } from './seen.js'
import type { IssuerRegistry } from './token/token-verifier.js'

/** One judgement with everything that went into it. Let go of it soon: it keeps the token of its request in memory. */
export interface Judgement {
  readonly phase: Judged['phase']
  /** `undefined` outside of HTTP, and for what comes up after the guard. */
  readonly facts: RequestFacts | undefined
  /** As presented. */
  readonly token: string | undefined
  readonly scheme: AuthScheme | undefined
  /** The issuer of a caller that was let through. */
  readonly issuer: string | undefined
  readonly resource: string
  readonly correlationId: string
  /** By a clock that is never set back; `undefined` where the beginning was not noted. */
  readonly durationMs: number | undefined
  /** `undefined` where the caller was let through. */
  readonly error: AuthError | undefined
  /** What a guard sends, or hands to the framework, for {@link Judgement.error}. */
  readonly answer: HttpAnswer | undefined
  /** The steps as this very judgement took them: nothing is judged anew, fetched, called or used up. */
  report(): Promise<Explanation>
}

/** Told of judgements, synchronously, before the answer is sent. What it throws is swallowed. */
export type JudgementListener = (judgement: Judgement) => void

/** What the development page sees of a server. */
export interface Insight {
  readonly settings: ResourceServerSettings
  readonly issuers: IssuerRegistry
  /** How many verified tokens are remembered. */
  rememberedTokens(): number
  /** Adds a listener until the function it gives is called. */
  watch(listener: JudgementListener): () => void
}

/** Not members of the servers: settings hold secrets, which `console.log(server)` must not show. */
const insights = new WeakMap<object, Insight>()

/** Adds the door to a server. */
export function withInsight<Server extends object>(server: Server, insight: Insight): Server {
  insights.set(server, insight)
  return server
}

/** The door of a server; `undefined` for what `createResourceServer` did not make. */
export function insightOf(server: object): Insight | undefined {
  return insights.get(server)
}

/** The way a server tells its judgements. */
export function watchJudgements(
  { settings, issuers }: Pick<Insight, 'settings' | 'issuers'>,
  watchers: Watchers,
): Insight['watch'] {
  function judgementOf(seen: Seen): Judgement {
    const { judged, resource, scheme, issuer, error, answer } = seen
    const { phase, facts, token, passage, startedMs } = judged
    return {
      phase,
      facts,
      token,
      scheme,
      issuer,
      resource,
      correlationId: passage.correlationId,
      durationMs: startedMs === undefined ? undefined : Math.max(0, settings.monotonicClock() - startedMs),
      error,
      answer,
      async report() {
        const { explainJudged } = await import('./explain.js')
        return explainJudged({ options: settings, issuers }, seen)
      },
    }
  }
  return (listener) => {
    const own = (seen: Seen): void => emit(listener, judgementOf(seen))
    watchers.add(own)
    return () => void watchers.delete(own)
  }
}
