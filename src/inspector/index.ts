/**
 * The development page: live requests through the gate, each with its steps, the keys, caches, grants and circuits behind
 * them. For development, on Node, on this machine alone.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfigurationError } from '../errors/index.js'
import { type Clock, systemClock } from '../kit/clock.js'
import { checkOptions, flag, func, oneOrMore, type Rules, takes, toList } from '../kit/options.js'
import { insightOf } from '../resource-server/insight.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import { createLiveStreams } from './live-stream.js'
import { createMounts, type Mounts } from './mounts.js'
import { createRecorder, type Watched } from './recorder.js'
import { createRoutes } from './routes.js'
import { createDoorkeeper } from './visit.js'

export type { FastifyHost, KoaContext } from './mounts.js'

/** A server of `createResourceServer`, whatever the type of its claims. @group Development page */
export type InspectedServer = Pick<ResourceServer, 'resources' | 'health'>

/** Options of {@link inspector}. @group Development page */
export interface InspectorOptions {
  /** Where the page is, with a slash at both ends. Below the path it is mounted at, if any. Default `/.portcullis/`. */
  readonly path?: string | undefined
  /**
   * What a browser has to know to get the data: at least 32 characters. Default: the environment variable
   * `PORTCULLIS_INSPECTOR_TOKEN`, which keeps an open page alive when the process starts anew; else 32 random bytes.
   */
  readonly token?: string | undefined
  /** Gets the address of the page once, with the token. Default: one line on stderr. */
  readonly announce?: ((address: string) => void) | undefined
  /**
   * IP addresses and CIDR ranges that may see the page besides those of this machine: for a container whose port is open
   * on the host, `172.16.0.0/12` say. The name they ask for is one of this machine all the same. Default none.
   */
  readonly dangerouslyAllowFrom?: string | readonly string[] | undefined
  /** Make the page even where `NODE_ENV` is `production`. Everything else holds all the same. Default false. */
  readonly dangerouslyInProduction?: boolean | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * The development page, as middleware of Express, Connect and Nest: `app.use(inspector(server))`. Leaves every request
 * that is not for it to the next handler. Where it is mounted before or behind the guards does not matter.
 *
 * @group Development page
 */
export interface Inspector {
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
  /** The path of the page, with the token behind `#`. */
  readonly address: string
  /** Middleware of Koa. */
  koa: Mounts['koa']
  /** A plugin of Fastify: `app.register(inspector(server).fastify)`. */
  fastify: Mounts['fastify']
  /**
   * The answer to a Fetch `Request`, or `undefined` for one that is not for the page. It has to be told the address of the
   * peer, and answers nothing without.
   */
  fetch: Mounts['fetch']
  /** Ends every stream and stops listening; a closed page shows nothing new. */
  close(): void
}

const rules: Rules<InspectorOptions> = {
  path: takes(
    (value) => typeof value === 'string' && /^\/(?:[\w.~-]+\/)+$/.test(value),
    "a path such as '/.portcullis/'",
  ),
  token: takes(
    (value) => typeof value === 'string' && /^[\w.~-]{32,}$/.test(value),
    'at least 32 letters, digits, or `-._~`',
  ),
  announce: func,
  dangerouslyAllowFrom: oneOrMore,
  dangerouslyInProduction: flag,
  clock: func,
}

/**
 * Makes the development page of a server, or of several. It shows requests to whoever can open it: a process on this
 * machine that knows the token. Tokens, proofs and secrets are masked before anything is kept. It changes nothing; the one
 * thing it can do is to judge a token that is pasted into it.
 *
 * Hears of events of every server, client, login and grant engine in this process. Not made, it costs nothing.
 *
 * @throws `ConfigurationError` where `NODE_ENV` is `production`, for an option that cannot be right, and for what
 * `createResourceServer` did not make.
 * @group Development page
 */
export function inspector(
  servers: InspectedServer | readonly InspectedServer[],
  options: InspectorOptions = {},
): Inspector {
  checkOptions<InspectorOptions>('inspector', options, rules)
  // The one place in which the library asks the environment: where this page would be shipped, nobody wrote an option.
  const { NODE_ENV, PORTCULLIS_INSPECTOR_TOKEN } = process.env
  if (NODE_ENV === 'production' && options.dangerouslyInProduction !== true) {
    throw new ConfigurationError(
      'The development page is not for production: `NODE_ENV` says this is one. Make it only elsewhere, or write `dangerouslyInProduction: true`.',
    )
  }
  const watched = [servers].flat().map(toWatched)
  const { path = '/.portcullis/', clock = systemClock, announce = printAddress } = options
  const token = tokenOf(options.token, PORTCULLIS_INSPECTOR_TOKEN)
  const doorkeeper = createDoorkeeper(token, toList(options.dangerouslyAllowFrom ?? []), clock)
  const recorder = createRecorder(watched, clock)
  const streams = createLiveStreams(randomBytes(6).toString('hex'), recorder)
  const { connect, koa, fastify, fetch } = createMounts(path, createRoutes({ watched, streams, doorkeeper, clock }))
  const address = `${path}#${token}`
  announce(address)
  const made = Object.assign(connect, { koa, fastify, fetch, close })
  // `console.log(inspector)` shows no token.
  return Object.defineProperty(made, 'address', { value: address, enumerable: false }) as Inspector

  function close(): void {
    recorder.close()
    streams.close()
  }
}

function toWatched(server: InspectedServer): Watched {
  const insight = insightOf(server)
  if (insight !== undefined) return { server: server as ResourceServer, insight }
  throw new ConfigurationError('`inspector` takes what `createResourceServer` makes, or a list of it.')
}

function tokenOf(given: string | undefined, ofEnvironment: string | undefined): string {
  if (given !== undefined) return given
  if (ofEnvironment === undefined) return randomBytes(32).toString('base64url')
  const wrong = rules.token('PORTCULLIS_INSPECTOR_TOKEN', ofEnvironment)
  if (wrong !== undefined) throw new ConfigurationError(wrong)
  return ofEnvironment
}

function printAddress(address: string): void {
  process.stderr.write(`Portcullis: development page of this application at ${address}\n`)
}
