/** The six steps of the token checker, each over what the ones before it found. Decides nothing about a request. */
import { decodeBase64url } from '#crypto'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import { isIssuer } from '../issuer/identifiers.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { createVerificationKey } from '../jws/verification-key.js'
import { monotonicClock } from '../kit/clock.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import type { Surroundings } from '../kit/surroundings.js'
import { checkClaims } from './claims-check.js'
import { failureSentence, lookUpKeySet, lookUpMetadata } from './issuer-documents.js'
import type { StepFinding } from './report.js'
import { chooseKey, describeKey, type KeyDescription } from './signing-key.js'
import type { TokenKind, TokenStructure } from './token-structure.js'

/** The steps of `diagnoseToken`, in order. @group Explain */
export type DiagnosisStepName =
  | 'decode_structure'
  | 'discover_issuer'
  | 'fetch_jwks'
  | 'extract_public_key'
  | 'verify_signature'
  | 'validate_claims'

/** What a token is held against. */
export interface DiagnosisSettings {
  readonly kind: TokenKind
  readonly expectedIssuer: string | undefined
  readonly expectedAudience: string | undefined
  /** `expectedIssuer` among them. */
  readonly trustedIssuers: readonly string[]
  readonly network: 'trusted' | 'none' | 'any'
  readonly keys: readonly JsonObject[] | undefined
  readonly clockToleranceSeconds: number
  readonly timeoutMs: number
  readonly surroundings: Surroundings
}

/** What one run knows, filled in step by step. */
export interface DiagnosisRun {
  readonly settings: DiagnosisSettings
  readonly structure: TokenStructure
  readonly payload: JsonObject
  readonly findings: Partial<Record<DiagnosisStepName, StepFinding>>
  readonly durationsMs: Partial<Record<DiagnosisStepName, number>>
  /** False where the failed step says nothing of the token. */
  conclusive: boolean
  discoveryUrl?: string | undefined
  discovery?: AuthorizationServerMetadata | undefined
  entries?: readonly unknown[] | undefined
  jwksUri?: string | undefined
  key?: KeyDescription | undefined
  verify?: (() => Promise<boolean>) | undefined
}

const steps: readonly [DiagnosisStepName, (run: DiagnosisRun) => StepFinding | Promise<StepFinding>][] = [
  ['decode_structure', ({ structure }) => structure.finding],
  ['discover_issuer', discoverIssuer],
  ['fetch_jwks', fetchJwks],
  ['extract_public_key', extractKey],
  ['verify_signature', verifySignature],
  ['validate_claims', validateClaims],
]

/** Takes the steps in order, until one fails. Never rejects over a token. */
export async function runDiagnosis(settings: DiagnosisSettings, structure: TokenStructure): Promise<DiagnosisRun> {
  const run: DiagnosisRun = {
    settings,
    structure,
    payload: structure.payload ?? {},
    findings: {},
    durationsMs: {},
    conclusive: true,
  }
  for (const [name, step] of steps) {
    const startMs = monotonicClock()
    const finding = await step(run)
    run.findings[name] = finding
    run.durationsMs[name] = Math.round((monotonicClock() - startMs) * 100) / 100
    if (finding.outcome === 'failed') break
  }
  return run
}

async function discoverIssuer(run: DiagnosisRun): Promise<StepFinding> {
  const { settings, payload } = run
  const { expectedIssuer, network, keys, surroundings } = settings
  const iss = ownMember(payload, 'iss')
  if (typeof iss !== 'string' || iss === '') {
    return failed('`iss` is absent or not a string: nothing says whose keys to take.', {
      expected: expectedIssuer,
      received: iss,
    })
  }
  if (expectedIssuer !== undefined && iss !== expectedIssuer) {
    const sentence =
      'The token comes from another issuer. Identifiers are compared byte for byte, a slash at the end counts.'
    return failed(sentence, { expected: expectedIssuer, received: iss })
  }
  if (keys !== undefined || network === 'none') return { outcome: 'not_checked', received: iss }
  const isTrusted = settings.trustedIssuers.includes(iss)
  if (!isTrusted && network === 'trusted') return mayNotAsk(run, iss)
  if (!isIssuer(iss, surroundings.insecureHosts)) {
    return failed('`iss` is not an https URL: this issuer publishes nothing. Give its keys.', { received: iss })
  }
  return discover(run, iss, isTrusted)
}

function mayNotAsk(run: DiagnosisRun, iss: string): StepFinding {
  run.conclusive = false
  const sentence =
    "Only the token says that this is an issuer, so it is not asked. Where you know it, give it as `expectedIssuer` (`--issuer`), or allow the request by `network: 'any'` (`--allow-discovery`)."
  return failed(sentence, { expected: run.settings.trustedIssuers, received: iss })
}

async function discover(run: DiagnosisRun, iss: string, isTrusted: boolean): Promise<StepFinding> {
  const look = await lookUpMetadata(iss, { ...run.settings, isTrusted })
  run.discoveryUrl = look.url
  run.discovery = look.metadata
  if (look.failure === undefined) return { received: look.url }
  run.conclusive = false
  return failed(`The metadata of the issuer cannot be had: ${failureSentence(look.failure)}.`, {
    received: look.attempts.map(({ url, status, failure }) => `${url}: ${status ?? failure}`),
  })
}

async function fetchJwks(run: DiagnosisRun): Promise<StepFinding> {
  const { settings, discovery } = run
  if (settings.keys !== undefined) {
    run.entries = settings.keys
    return { received: `${settings.keys.length} keys given` }
  }
  run.conclusive = false
  if (discovery === undefined) {
    return failed('The signature cannot be checked without keys: give them, or allow the network.')
  }
  const { jwks_uri: jwksUri, issuer } = discovery
  if (jwksUri === undefined) return failed('The metadata of the issuer has no usable `jwks_uri`.')
  run.jwksUri = jwksUri
  const trusted = settings.trustedIssuers.includes(issuer) ? [new URL(issuer).hostname] : []
  const look = await lookUpKeySet(jwksUri, trusted, settings)
  if ('failure' in look) {
    return failed(`The key set of the issuer cannot be had: ${failureSentence(look.failure)}.`, { received: jwksUri })
  }
  run.conclusive = true
  run.entries = look.entries
  return { received: `${look.entries.length} keys` }
}

async function extractKey(run: DiagnosisRun): Promise<StepFinding> {
  const { structure, entries = [] } = run
  const alg = structure.alg as SignatureAlgorithm
  const choice = chooseKey(entries, structure.kid, alg)
  if ('finding' in choice) return choice.finding
  run.key = await describeKey(choice.entry, choice.jwk)
  const check = await createVerificationKey(choice.jwk).signatureCheck(alg)
  if (check === undefined) {
    return failed('The key that the token names is not a valid key: its point does not lie on its curve.')
  }
  run.verify = async () => check(structure.signingInput as string, decodeBase64url(structure.signature as string))
  return { received: structure.kid ?? '(no kid: the only key that fits)' }
}

async function verifySignature({ verify, structure }: DiagnosisRun): Promise<StepFinding> {
  if (await verify?.()) return { received: structure.alg }
  return failed(
    'The key that the token names did not sign it: the token was changed, cut or joined, or another server uses the same name for its key.',
    { expected: `a signature by ${structure.alg}`, received: 'another signature' },
  )
}

function validateClaims({ settings, payload }: DiagnosisRun): StepFinding {
  return checkClaims(payload, { ...settings, nowMs: settings.surroundings.clock() })
}

function failed(sentence: string, shown: Pick<StepFinding, 'expected' | 'received'> = {}): StepFinding {
  return { outcome: 'failed', sentence, ...shown }
}
