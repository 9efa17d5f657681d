/** The steps of a gate by name: which of them an error is of, and what was compared in each. Does NOT judge anything. */
import type { AuthScheme } from '../auth/auth.js'
import type { AuthError, AuthErrorCode } from '../errors/index.js'
import type { StepFinding } from '../explain/report.js'
import { readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import type { Gate } from './compile-gate.js'
import type { Requirement } from './policy/requirement.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import { signsOfKind } from './token/token-type.js'
import { type Issuer, type IssuerRegistry, isIntrospecting } from './token/token-verifier.js'

/** The steps of a gate and the sections that demand them, in the order in which a gate takes them. */
const gateSteps = {
  credentials: 'RFC 6750 §2',
  shape: 'RFC 7519 §7.2',
  issuer: 'RFC 9068 §4',
  header: 'RFC 8725 §3.1',
  type: 'RFC 9068 §2.1',
  key: 'RFC 7515 §4.1.4',
  signature: 'RFC 7515 §5.2',
  introspection: 'RFC 7662 §2.2',
  kind: 'RFC 8725 §3.12',
  times: 'RFC 7519 §4.1.4',
  claims: 'RFC 9068 §2.2',
  audience: 'RFC 9068 §4',
  schema: '',
  binding: 'RFC 7800 §3.1',
  certificate: 'RFC 8705 §3',
  proof: 'RFC 9449 §4.3',
  replay: 'RFC 9449 §11.1',
  revocation: 'RFC 7009 §2.2',
  authentication: 'RFC 9470 §3',
  scope: 'RFC 6750 §3.1',
  authorization_details: 'RFC 9396 §9',
  roles: '',
  claim_rules: '',
  allow: '',
} as const

/** A step of the gate, see {@link Explanation}. @group Explain */
export type GateStep = keyof typeof gateSteps

/** How far a rehearsal came. */
export interface Rehearsal {
  scheme: AuthScheme | undefined
  /** `undefined` where no token was found. */
  token: string | undefined
  credentials: StepFinding
  /** The last function of the requirement that was called, where the others cannot be told apart by their errors. */
  called: 'claim_rules' | 'allow' | undefined
}

const stepByCode: Partial<Record<AuthErrorCode, GateStep>> = {
  ERR_TOKEN_MISSING: 'credentials',
  ERR_REQUEST_MALFORMED: 'credentials',
  ERR_REQUEST_AMBIGUOUS: 'credentials',
  ERR_TOKEN_MALFORMED: 'shape',
  ERR_TOKEN_TOO_LARGE: 'shape',
  ERR_TOKEN_ENCRYPTED: 'shape',
  ERR_TOKEN_UNRECOGNISED: 'shape',
  ERR_TOKEN_ISSUER: 'issuer',
  ERR_ISSUER_UNAVAILABLE: 'key',
  ERR_TOKEN_ALGORITHM: 'header',
  ERR_TOKEN_CRITICAL_HEADER: 'header',
  ERR_TOKEN_TYPE: 'type',
  ERR_TOKEN_KEY_UNKNOWN: 'key',
  ERR_KEYS_UNAVAILABLE: 'key',
  ERR_TOKEN_SIGNATURE: 'signature',
  ERR_TOKEN_INACTIVE: 'introspection',
  ERR_INTROSPECTION_UNAVAILABLE: 'introspection',
  ERR_TOKEN_EXPIRED: 'times',
  ERR_TOKEN_NOT_YET_VALID: 'times',
  ERR_TOKEN_TOO_OLD: 'times',
  ERR_TOKEN_CLAIM_MISSING: 'claims',
  ERR_TOKEN_CLAIM_INVALID: 'claims',
  ERR_TOKEN_AUDIENCE: 'audience',
  ERR_TOKEN_CONFIRMATION: 'binding',
  ERR_TOKEN_BOUND: 'binding',
  ERR_TOKEN_UNBOUND: 'binding',
  ERR_TOKEN_CERTIFICATE: 'certificate',
  ERR_PROOF_REPLAYED: 'replay',
  ERR_TOKEN_REVOKED: 'revocation',
  ERR_STORE_UNAVAILABLE: 'revocation',
  ERR_STEP_UP_REQUIRED: 'authentication',
  ERR_SCOPE_INSUFFICIENT: 'scope',
  ERR_AUTHORIZATION_DETAILS: 'authorization_details',
  ERR_ROLE_INSUFFICIENT: 'roles',
  ERR_CLAIM_REQUIREMENT: 'claim_rules',
}

/** The steps in order. Claims of an introspected token go through the claims schema before its audience is compared. */
export function orderOfSteps(isIntrospected: boolean): Readonly<Record<GateStep, string>> {
  const { audience, schema, ...others } = gateSteps
  if (!isIntrospected) return gateSteps
  const entries = Object.entries(others).flatMap((entry) =>
    entry[0] === 'claims' ? [entry, ['schema', schema], ['audience', audience]] : [entry],
  )
  return Object.fromEntries(entries)
}

/** Whether a step of the gate can end in `error`; what comes up after it, such as a failed grant, is of none. */
export function isOfGate({ code, callback }: AuthError): boolean {
  return (
    code in stepByCode ||
    code.startsWith('ERR_PROOF_') ||
    code === 'ERR_TOKEN_BINDING_MISMATCH' ||
    callback !== undefined
  )
}

/** The step that ended in `error`. */
export function stepOf(error: AuthError, { token, called }: Rehearsal, isIntrospected: boolean): GateStep {
  if (token === undefined) return 'credentials'
  if (called === 'allow') return 'allow'
  const step = stepByDetail(error, isIntrospected) ?? stepByCallback(error, called) ?? stepByCode[error.code]
  if (isIntrospected && step === 'key') return 'introspection'
  return step ?? (error.code.startsWith('ERR_PROOF_') ? 'proof' : 'issuer')
}

/** Of a code that several steps have. */
function stepByDetail({ code, detail, expected }: AuthError, isIntrospected: boolean): GateStep | undefined {
  if (code === 'ERR_REQUEST_MALFORMED') return 'shape'
  if (code === 'ERR_TOKEN_MALFORMED' && (detail === 'header' || detail === 'kid')) return 'header'
  if (code === 'ERR_TOKEN_TYPE' && (expected === 'an access token' || (isIntrospected && expected !== undefined))) {
    return 'kind'
  }
  if (code === 'ERR_TOKEN_CLAIM_INVALID' && detail?.startsWith('claims schema')) return 'schema'
  return code === 'ERR_STORE_UNAVAILABLE' && detail === 'replay store' ? 'replay' : undefined
}

function stepByCallback({ callback }: AuthError, called: Rehearsal['called']): GateStep | undefined {
  if (callback === 'claims') return called ?? 'schema'
  if (callback === 'authorizationDetails') return 'authorization_details'
  return callback === 'issuer' ? 'issuer' : undefined
}

/** What a description is made of: the parts of one server. */
interface DescribedServer {
  readonly options: ResourceServerSettings
  readonly issuers: IssuerRegistry
}

type Findings = Partial<Record<GateStep, StepFinding>>

/**
 * What each step compares, as if all of them passed: what follows a failed one counts for nothing. Reads a token that
 * nothing may have been checked of.
 */
export function describeSteps<Claims>(
  { options, issuers }: DescribedServer,
  gate: Gate<Claims>,
  requirement: Requirement<Claims>,
  { token, scheme, credentials }: Rehearsal,
): { readonly isIntrospected: boolean; readonly findings: Findings } {
  if (token === undefined) return { isIntrospected: false, findings: { credentials } }
  const jws = readCompactJws(token)
  const issuer = jws && issuers.known().find((one) => one.issuer === ownMember(jws.payload, 'iss'))
  const isIntrospected = jws === undefined || (issuer !== undefined && takesJwts(issuer))
  const claims = jws?.payload ?? {}
  const findings: Findings = {
    credentials,
    shape: {
      expected: issuers.findOpaque(gate.resource) ? ['JWT', 'opaque'] : ['JWT'],
      received: jws ? 'JWT' : 'opaque',
    },
    ...(jws && { issuer: { expected: gate.resource.issuers, received: ownMember(claims, 'iss') } }),
    ...(isIntrospected ? { introspection: {} } : describeJwt(jws.headerSegment, claims, issuer)),
    times: { expected: `now ${utc(options.surroundings.clock() / 1000)}`, received: timesOf(claims) },
    claims: { received: Object.keys(claims) },
    audience: { expected: audiencesOf(gate, issuer), received: ownMember(claims, 'aud') },
    ...(options.schema && { schema: {} }),
    ...describeBinding(gate, scheme, claims),
    revocation: {},
    ...describeRequirement(gate, requirement, claims),
  }
  return { isIntrospected, findings }
}

function takesJwts(issuer: Issuer): boolean {
  return isIntrospecting(issuer) && issuer.introspector.takesJwts
}

function audiencesOf<Claims>({ resource }: Gate<Claims>, issuer: Issuer | undefined): readonly string[] {
  return issuer?.audiences?.get(resource.resource) ?? resource.audiences
}

function describeJwt(headerSegment: string, claims: JsonObject, issuer: Issuer | undefined): Findings {
  const { alg, typ, kid } = readJsonSegment(headerSegment) ?? {}
  return {
    header: { expected: issuer && [...issuer.algorithms], received: alg },
    type: { expected: issuer && [...issuer.tokenTypes].map((type) => type ?? 'no typ'), received: typ ?? 'no typ' },
    key: { received: kid ?? 'no kid' },
    signature: {},
    kind: { expected: 'an access token', received: signsOfKind(claims) },
  }
}

function timesOf(claims: JsonObject): readonly string[] {
  return ['exp', 'nbf', 'iat'].flatMap((name) => {
    const value = ownMember(claims, name)
    return typeof value === 'number' ? [`${name} ${utc(value)}`] : []
  })
}

function utc(seconds: number): string {
  return Math.abs(seconds) <= 8.64e12 ? new Date(seconds * 1000).toISOString() : String(seconds)
}

function describeBinding<Claims>(
  { modes }: Gate<Claims>,
  scheme: AuthScheme | undefined,
  claims: JsonObject,
): Findings {
  const cnf = ownMember(claims, 'cnf')
  const members = typeof cnf === 'object' && cnf !== null ? Object.keys(cnf) : []
  return {
    binding: {
      expected: [`dpop ${modes.dpop}`, `mtls ${modes.mtls}`],
      received: [`${scheme}`, ...members.map((name) => `cnf.${name}`)],
    },
    ...(members.includes('x5t#S256') && { certificate: {} }),
    ...(members.includes('jkt') && { proof: {} }),
  }
}

function describeRequirement<Claims>(
  gate: Gate<Claims>,
  requirement: Requirement<Claims>,
  claims: JsonObject,
): Findings {
  const { scope, roles, claims: claimRules, acr, maxAgeSeconds, authorizationDetails, allow } = requirement
  return {
    ...((acr ?? maxAgeSeconds) !== undefined && {
      authentication: { expected: acr, received: ownMember(claims, 'acr') },
    }),
    ...(scope !== undefined && {
      scope: { expected: gate.answerContext.scope?.split(' '), received: ownMember(claims, 'scope') },
    }),
    ...(authorizationDetails !== undefined && {
      authorization_details: { expected: Object.keys(authorizationDetails) },
    }),
    ...(roles !== undefined && { roles: {} }),
    ...(claimRules !== undefined && { claim_rules: {} }),
    ...(allow !== undefined && { allow: {} }),
  }
}
