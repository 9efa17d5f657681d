import type {
  AdapterOptions,
  FetchConnection,
  NodeRequest,
  NodeResponse,
  RequestWrapper,
  WrappedReply,
} from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, Grant, Requirement } from '../../src/index.js'
import type { AuthInfo } from './auth-info.js'

/** A refusal as the result of a tool. @group MCP */
export interface ToolError {
  isError: true
  content: { type: 'text'; text: string }[]
  /** `portcullis/refusal`: the refusal for clients that read it, in the words of a challenge. */
  _meta: Record<string, unknown>
  [name: string]: unknown
}

/** Options of {@link mcpGate}. @group MCP */
export interface McpGateOptions<Claims = AccessTokenClaims> extends AdapterOptions {
  /** What every request demands. Default: a good token. */
  readonly requirement?: Requirement<Claims> | undefined
  /**
   * What calls of single tools demand besides, by the tool's name: answered before the SDK sees them, with one challenge
   * that names all scopes of the operation. Needs the parsed JSON body (`express.json()`, `@koa/bodyparser`).
   */
  readonly tools?: Readonly<Record<string, Requirement<Claims>>> | undefined
  /** Origins of browsers that may call. Requests without `Origin` pass. Default: the origin of the resource. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Values of `Host` to accept, with their port where it is not the default one. Default: any. */
  readonly allowedHosts?: readonly string[] | undefined
  /** What the platform knows of a Fetch request besides: TLS, peer, client certificate. For `forFetch` alone. */
  readonly connection?: ((request: Request) => FetchConnection) | undefined
}

/** What a tool demands: a requirement, all in one. @group MCP */
export interface ToolOptions<Claims = AccessTokenClaims> extends Requirement<Claims> {
  /** Downstream tokens the tool needs: `auth.access`. */
  readonly grants?: readonly Grant[] | undefined
}

/** What is used of Fastify's request. @group MCP */
export interface McpFastifyRequest {
  readonly raw: NodeRequest
  readonly originalUrl: string
  readonly body: unknown
}

/** What is used of Fastify's reply. @group MCP */
export interface McpFastifyReply extends WrappedReply {
  readonly raw: NodeResponse
}

/** What is used of Koa's context. @group MCP */
export interface KoaContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  readonly originalUrl: string
  readonly request: RequestWrapper
  readonly state: object
  respond?: boolean | undefined
}

/**
 * The gate of one MCP endpoint. Every HTTP request is judged, also within a session. Serves no metadata: the framework's
 * own adapter does.
 *
 * @group MCP
 */
export interface McpGate<Claims = AccessTokenClaims> {
  /** Express middleware. Puts {@link AuthInfo} into `req.auth`, where the SDK looks; `authOf(req.auth)` has ours. */
  forExpress(): (req: NodeRequest, res: NodeResponse, next: (error?: unknown) => void) => void
  /** A `preHandler` hook for Fastify. Puts {@link AuthInfo} into `request.raw.auth`, where the SDK looks. */
  forFastify(): (request: McpFastifyRequest, reply: McpFastifyReply) => Promise<unknown>
  /** Koa middleware. Puts {@link AuthInfo} into `ctx.req.auth`, where the SDK looks, and ours into `ctx.state.auth`. */
  forKoa(): (ctx: KoaContext, next: () => Promise<unknown>) => Promise<unknown>
  /**
   * A Fetch handler around the SDK's: `(request, options) => transport.handleRequest(request, options)`, or
   * `handler.fetch`. Where `tools` are declared the body is read here, and handed on in the options.
   */
  forFetch(
    handler: (request: Request, options: { authInfo: AuthInfo; parsedBody?: unknown }) => Response | Promise<Response>,
  ): (request: Request) => Promise<Response>
  /**
   * The `authenticate` option of FastMCP, which throws the `Response` to send and makes {@link AuthInfo} the session.
   * FastMCP asks it on every request in stateless mode alone.
   *
   * @throws `ConfigurationError` with `tools`: FastMCP shows no body. Take {@link McpGate.tool}.
   */
  forFastMcp(): (request: NodeRequest | undefined) => Promise<AuthInfo>
  /**
   * A tool's handler with what it demands: `server.registerTool(name, config, gate.tool({ scope, grants }, handler))`.
   * The handler gets the caller first, `auth.access` filled, then what the SDK gives. A refusal becomes the tool's
   * error result, since the HTTP answer may have begun: what should be a challenge belongs into `tools`.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  tool<Parameters extends unknown[], Result>(
    options: ToolOptions<Claims>,
    handler: (auth: Auth<Claims>, ...parameters: Parameters) => Result | Promise<Result>,
  ): (...parameters: Parameters) => Promise<Result | ToolError>
}
