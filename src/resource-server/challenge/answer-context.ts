import type { AuthScheme } from '../../auth/auth.js'
import type {
  AuthError,
  DpopNonceRequiredError,
  InsufficientScopeError,
  StepUpRequiredError,
  UnavailableError,
} from '../../errors/index.js'

/** What an answer needs to know of the route and the request, besides the error. */
export interface AnswerContext {
  /** The URL of the resource's metadata document. */
  readonly metadataUrl: string
  /** What the route needs, or the resource's default scopes; space-delimited. */
  readonly scope: string | undefined
  /** The scheme the client used; `undefined` when it sent no credentials, or so many that no scheme stands out. */
  readonly scheme: AuthScheme | undefined
  /** Whether unbound tokens are accepted, so that `Bearer` is worth offering. */
  readonly bearerOffered: boolean
  /** Accepted proof algorithms; `undefined` when DPoP is off. */
  readonly dpopAlgorithms: readonly string[] | undefined
  /** Whether browser code may read the challenge. */
  readonly cors: boolean
}

/**
 * The members that refine a refusal, whichever class brings them. Read by shape, since an error may come from a second
 * copy of the library, where `instanceof` fails.
 */
export type RefusalDetails = AuthError &
  Partial<Pick<StepUpRequiredError, 'demand'>> &
  Partial<Pick<InsufficientScopeError, 'scope'>> &
  Partial<Pick<DpopNonceRequiredError, 'nonce'>> &
  Partial<Pick<UnavailableError, 'retryAfterSeconds'>>
