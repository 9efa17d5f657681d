/** What goes from the server to the development page: plain data, bounded, masked. The page imports these types alone. */

/** A name and the text to show for it. */
export type Member = readonly [name: string, text: string]

/** A step of the report: what follows the outcome is there only where the step was looked at. */
export type StepLine = readonly [name: string, outcome: string, expected?: string, received?: string, rule?: string]

/** One challenge of an answer, parameter by parameter. */
export interface ChallengeLine {
  readonly scheme: string
  readonly parameters: readonly Member[]
}

/** What became of a caller. `failed`: it could not be judged. */
export type Outcome = 'accepted' | 'anonymous' | 'refused' | 'failed'

/** A report, and the token it is about. */
export interface ReportLines {
  readonly outcome: Outcome
  readonly code: string | undefined
  readonly status: number | undefined
  readonly failed: string | undefined
  readonly sentence: string | undefined
  readonly steps: readonly StepLine[]
  readonly token:
    | { readonly header: readonly Member[]; readonly claims: readonly Member[]; readonly length: number }
    | undefined
}

/** One judgement. */
export interface RequestRow extends ReportLines {
  readonly kind: 'request'
  readonly atMs: number
  readonly phase: string
  readonly method: string | undefined
  /** The path, and the names of the query: never its values. */
  readonly target: string | undefined
  readonly origin: string | undefined
  readonly route: string | undefined
  readonly requestId: string | undefined
  readonly correlationId: string
  readonly durationMs: number | undefined
  readonly scheme: string | undefined
  /** Whether a DPoP proof came along. */
  readonly hasProof: boolean
  readonly resource: string
  readonly issuer: string | undefined
  /** The fields of the answer to a refusal, challenges apart. */
  readonly fields: readonly Member[]
  readonly challenges: readonly ChallengeLine[]
}

/** One event that is not a judgement. */
export interface EventRow {
  readonly kind: 'event'
  readonly atMs: number
  readonly type: string
  readonly correlationId: string | undefined
  readonly members: readonly Member[]
}

/** A line of the page. */
export type Row = RequestRow | EventRow

/** The keys of one issuer. Times are milliseconds since the Unix epoch. */
export interface IssuerState {
  readonly issuer: string
  readonly state: string
  readonly keys: readonly { readonly kid: string; readonly type: string; readonly thumbprint: string }[]
  readonly keyCount: number
  readonly fetchedAtMs: number | undefined
  readonly expiresAtMs: number | undefined
  readonly lastFailure: string | undefined
}

/** One server. */
export interface ServerState {
  readonly resources: readonly string[]
  readonly metadata: readonly string[]
  readonly ready: boolean
  readonly issuers: readonly IssuerState[]
  readonly caches: readonly Member[]
  readonly settings: readonly Member[]
  readonly warnings: readonly string[]
}

/** How often something of one kind happened. */
export interface CountLine {
  readonly name: string
  readonly count: number
  readonly lastAtMs: number
}

/** The grants of one downstream service. */
export interface GrantLine {
  readonly resource: string
  readonly exchanged: number
  readonly reused: number
  readonly failed: number
  readonly lastFailure: string | undefined
}

/** One circuit breaker. */
export interface CircuitLine {
  readonly issuer: string
  readonly circuit: string
  readonly state: string
  readonly sinceMs: number
}

/** Everything that is not a line. */
export interface State {
  readonly counts: Readonly<Record<Outcome | 'unshown', number>>
  readonly servers: readonly ServerState[]
  readonly grants: readonly GrantLine[]
  readonly circuits: readonly CircuitLine[]
  readonly events: readonly CountLine[]
}
