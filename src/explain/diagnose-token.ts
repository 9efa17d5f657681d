/** Why a JWT is good or not: six steps, each with what was expected and what came. Lets no request in. */
import { ConfigurationError } from '../errors/index.js'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import { checkIssuer } from '../issuer/identifiers.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import { checkOptions, choice, flag, integer, type Rules, takes, text, texts } from '../kit/options.js'
import { type SurroundingsOptions, surroundingsRules, toSurroundings } from '../kit/surroundings.js'
import { type Match, matchAudience } from './claims-check.js'
import { type DiagnosisRun, type DiagnosisSettings, type DiagnosisStepName, runDiagnosis } from './diagnosis-steps.js'
import { type Report, writeReport } from './report.js'
import type { KeyDescription } from './signing-key.js'
import { readStructure, type TokenKind } from './token-structure.js'

/** Options of {@link diagnoseToken}. @group Explain */
export interface DiagnoseTokenOptions extends SurroundingsOptions {
  /** What the token should be. Default `access_token`. */
  readonly kind?: TokenKind | undefined
  /** The `iss` that would be accepted, byte for byte. It may be asked over the network. */
  readonly expectedIssuer?: string | undefined
  /** The API's identifier for an access token, the `client_id` for an ID token. */
  readonly expectedAudience?: string | undefined
  /** Further issuers that may be asked over the network. */
  readonly trustedIssuers?: readonly string[] | undefined
  /**
   * Who may be asked for keys. `trusted` (default): `expectedIssuer` and `trustedIssuers` alone. `none`: no request.
   * `any`: whoever the token names, on the public internet: whoever writes a token then makes this machine send a request.
   */
  readonly network?: 'trusted' | 'none' | 'any' | undefined
  /** The issuer's keys as JWKs, instead of the network. */
  readonly keys?: readonly JsonObject[] | undefined
  /** Difference of clocks that is let pass, 0 to 600. Default 60. */
  readonly clockToleranceSeconds?: number | undefined
  /** Milliseconds for each request, 1 to 60,000. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** Whether `payload` shows the values of registered claims only. Default false. */
  readonly redact?: boolean | undefined
}

/** What {@link diagnoseToken} found. Holds the claims of the token, and no signature: it cannot be used as one. @group Explain */
export interface TokenDiagnosis extends Report<DiagnosisStepName> {
  readonly kind: TokenKind
  /**
   * False where the failed step says nothing of the token: an issuer that could not be reached or may not be asked, keys
   * that could not be had.
   */
  readonly conclusive: boolean
  readonly header: JsonObject | undefined
  readonly payload: JsonObject | undefined
  readonly alg: SignatureAlgorithm | undefined
  readonly kid: string | undefined
  readonly discoveryUrl: string | undefined
  readonly discovery: AuthorizationServerMetadata | undefined
  readonly jwksUri: string | undefined
  readonly jwks: { readonly count: number; readonly kids: readonly string[] } | undefined
  readonly key: KeyDescription | undefined
  readonly issuerMatch: Match
  readonly audienceMatch: Match
  /** Milliseconds that each step took, by its name; absent for those that did not run. */
  readonly durationsMs: Readonly<Partial<Record<DiagnosisStepName, number>>>
  /** What is worth knowing though it decides nothing. */
  readonly warnings: readonly string[]
}

const stepRules: Readonly<Record<DiagnosisStepName, string>> = {
  decode_structure: 'RFC 7515 §7.1, RFC 8725 §3',
  discover_issuer: 'RFC 8414 §3',
  fetch_jwks: 'RFC 7517 §5',
  extract_public_key: 'RFC 7515 §4.1.4',
  verify_signature: 'RFC 7515 §5.2',
  validate_claims: 'RFC 7519 §4.1',
}

const optionRules: Rules<DiagnoseTokenOptions> = {
  ...surroundingsRules,
  kind: choice('id_token', 'access_token'),
  expectedIssuer: text,
  expectedAudience: text,
  trustedIssuers: texts,
  network: choice('trusted', 'none', 'any'),
  keys: takes(Array.isArray, 'an array of JWKs'),
  clockToleranceSeconds: integer(0, 600),
  timeoutMs: integer(1, 60_000),
  redact: flag,
}

/**
 * Says why a JWT is good or not, for a person: structure and kind, issuer, keys, the one key it names, signature, claims.
 * Sends no request to an issuer that only the token names, unless `network` says so. Does NOT decide about a request: scopes,
 * roles, proofs of possession, revocation and the rules of a provider's preset are the gate's. Never throws over a token.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Explain
 */
export async function diagnoseToken(token: string, options: DiagnoseTokenOptions = {}): Promise<TokenDiagnosis> {
  checkOptions('diagnoseToken', options, optionRules)
  if (typeof token !== 'string') throw new ConfigurationError('`token` takes a string.')
  const settings = toDiagnosisSettings(options)
  const structure = readStructure(token.trim(), settings.kind, settings.expectedAudience)
  return writeDiagnosis(await runDiagnosis(settings, structure), options.redact === true)
}

function toDiagnosisSettings(options: DiagnoseTokenOptions): DiagnosisSettings {
  const surroundings = toSurroundings(options)
  const { expectedIssuer, trustedIssuers = [] } = options
  const trusted = expectedIssuer === undefined ? trustedIssuers : [expectedIssuer, ...trustedIssuers]
  for (const issuer of trusted) checkIssuer('issuer', issuer, surroundings.insecureHosts)
  return {
    kind: options.kind ?? 'access_token',
    expectedIssuer,
    expectedAudience: options.expectedAudience,
    trustedIssuers: trusted,
    network: options.network ?? 'trusted',
    keys: options.keys,
    clockToleranceSeconds: options.clockToleranceSeconds ?? 60,
    timeoutMs: options.timeoutMs ?? 10_000,
    surroundings,
  }
}

function writeDiagnosis(run: DiagnosisRun, redact: boolean): TokenDiagnosis {
  const { settings, structure, entries } = run
  const { kind, expectedIssuer, expectedAudience } = settings
  const { header, payload, alg, kid } = structure
  const names = entries?.map((entry) => Object(entry)['kid']).filter((name) => typeof name === 'string')
  return Object.freeze({
    ...writeReport(stepRules, run.findings),
    kind,
    conclusive: run.conclusive,
    header,
    payload: payload === undefined || !redact ? payload : redacted(payload),
    alg,
    kid,
    discoveryUrl: run.discoveryUrl,
    discovery: run.discovery,
    jwksUri: run.jwksUri,
    jwks: entries && names && { count: entries.length, kids: names },
    key: run.key,
    issuerMatch: matchIssuer(payload, expectedIssuer),
    audienceMatch: payload === undefined ? 'not_checked' : matchAudience(payload, expectedAudience),
    durationsMs: Object.freeze(run.durationsMs),
    warnings: Object.freeze(warningsOf(run)),
  })
}

function matchIssuer(payload: JsonObject | undefined, expected: string | undefined): Match {
  if (payload === undefined || expected === undefined) return 'not_checked'
  return ownMember(payload, 'iss') === expected ? 'match' : 'mismatch'
}

function warningsOf({ settings, structure, payload }: DiagnosisRun): readonly string[] {
  const { expectedIssuer, expectedAudience, kind } = settings
  const ignored = structure.ignored.map(
    (name) => `The header has \`${name}\`, which never chooses a key: it is ignored.`,
  )
  const unexpected = expectedIssuer === undefined && expectedAudience === undefined
  const untied = kind === 'id_token' && structure.payload !== undefined && !Object.hasOwn(payload, 'nonce')
  return [
    ...ignored,
    ...(unexpected ? ['No issuer and no audience was expected: the token may be meant for somebody else.'] : []),
    ...(untied ? ['The ID token has no `nonce`: nothing ties it to one login.'] : []),
  ]
}

const shownClaims: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'azp', 'client_id', 'scope', 'scp', 'typ', 'token_use'],
  ...['auth_time', 'acr', 'amr'],
])

function redacted(payload: JsonObject): JsonObject {
  const members = Object.entries(payload).map(([name, value]) => [name, shownClaims.has(name) ? value : '(masked)'])
  return Object.freeze(Object.fromEntries(members)) as JsonObject
}
