/*
 * Workload identity: authentication by an assertion the platform issues (RFC 7523 §2.2). Does not check its signature.
 */
import { decodeUtf8Base64url } from '#crypto'
import { ConfigurationError } from '../../errors/index.js'
import { isBase64url } from '../../jws/compact-jws.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import { guardedFetch } from '../../kit/fetch/guarded-fetch.js'
import { type Fetch, platformFetch } from '../../kit/fetch/platform-fetch.js'
import { type JsonObject, ownMember, parseJsonObject } from '../../kit/json.js'
import { checkOptions, func, integer, object, type Rules, required, text } from '../../kit/options.js'
import { CredentialError } from '../errors.js'
import type { ClientCredential, CredentialTarget } from './client-credential.js'
import { assertionFields } from './client-credential.js'

/** Gives the assertion to authenticate with; asked for every attempt. @group Credentials */
export type AssertionSource = (target: CredentialTarget) => string | Promise<string>

/** Variables that name a token file, in the order they are looked at: EKS Pod Identity, EKS IRSA, Azure. */
const fileVariables = [
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AZURE_FEDERATED_TOKEN_FILE',
] as const

/**
 * Where the assertion comes from: a file (Kubernetes projected tokens), a file named by an environment you hand over, or
 * a function such as {@link gcpIdentity}. Exactly one.
 *
 * @group Credentials
 */
export type FederatedAssertionOptions = {
  /** Sent as `client_id` where the server wants it beside the assertion. Default: not sent. */
  readonly clientId?: string | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
} & (
  | { readonly file: string }
  | {
      /** Usually `process.env`. */
      readonly env: Readonly<Record<string, string | undefined>>
      /** The variable holding the path. Default: the ones EKS and Azure set. */
      readonly variable?: string | undefined
    }
  | { readonly source: AssertionSource }
)

/**
 * Authenticates with an assertion the platform issues (workload identity, RFC 7523 §2.2), instead of a secret. The file
 * is read, or the function asked, for every attempt, so that a rotated token is used at once.
 *
 * Checks that the assertion is a JWT that has not expired; its signature is for the server to check.
 *
 * @throws `ConfigurationError` without a place to take it from, and when no variable of `env` names a file.
 * @group Credentials
 */
export function federatedAssertion(options: FederatedAssertionOptions): ClientCredential {
  checkOptions('federatedAssertion', options, rules)
  const { clientId, clock = systemClock } = options
  const source = sourceOf(options)
  return {
    method: 'private_key_jwt',
    clientId,
    authenticate: async (target) => assertionFields(checkAssertion(await source(target), clock()), clientId),
  }
}

const rules: Rules<FederatedAssertionOptions> = {
  clientId: text,
  clock: func,
  file: text,
  env: object,
  variable: text,
  source: func,
}

function sourceOf(options: FederatedAssertionOptions): AssertionSource {
  const given = ['file', 'env', 'source'].filter((name) => options[name as keyof typeof options] !== undefined)
  if (given.length !== 1 || ('variable' in options && given[0] !== 'env')) {
    throw new ConfigurationError(
      '`federatedAssertion` takes one of `file`, `env` and `source`; `variable` goes with `env`.',
    )
  }
  if ('source' in options) return options.source
  const path = 'file' in options ? options.file : pathFrom(options)
  return () => readAssertionFile(path)
}

function pathFrom({
  env,
  variable,
}: {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly variable?: string | undefined
}): string {
  const names = variable === undefined ? fileVariables : [variable]
  const path = names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
  if (path !== undefined) return path
  throw new ConfigurationError(`\`env\` names no assertion file: none of ${names.join(', ')} is set.`)
}

function checkAssertion(assertion: string, nowMs: number): string {
  if (assertion === '') throw unusable('The assertion is empty')
  const expiresAt = expiryOf(assertion)
  if (expiresAt === undefined) throw unusable('The assertion is not a JWT with an `exp` claim')
  if (expiresAt * 1000 <= nowMs) throw new CredentialError('ERR_CREDENTIAL_EXPIRED')
  return assertion
}

function expiryOf(assertion: string): number | undefined {
  const [, payload = '', ...rest] = typeof assertion === 'string' ? assertion.split('.') : []
  if (rest.length !== 1 || !isBase64url(payload)) return undefined
  const claims: JsonObject = parseJsonObject(decodeUtf8Base64url(payload) ?? '') ?? {}
  const exp = ownMember(claims, 'exp')
  return typeof exp === 'number' ? exp : undefined
}

function unusable(message: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { message })
}

const maxBytes = 64 * 1024

/**
 * Reads the assertion in a file, which platforms rewrite every few minutes: nothing is kept.
 *
 * @throws {@link CredentialError} for a file that is missing, unreadable, larger than 64 KiB or empty.
 */
async function readAssertionFile(path: string): Promise<string> {
  const { readFile, stat } = await import('node:fs/promises')
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw unreadable(path, 'is larger than 64 KiB')
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if (error instanceof CredentialError) throw error
    throw unreadable(path, `cannot be read (${(error as { code?: string }).code})`)
  }
}

function unreadable(path: string, why: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { message: `The assertion file ${path} ${why}` })
}

/** @group Credentials */
export interface GcpIdentityOptions {
  /** The `aud` the assertion is to carry: what your authorization server expects. */
  readonly audience: string
  /** Default: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Default 3000. */
  readonly timeoutMs?: number | undefined
}

const metadataHost = 'metadata.google.internal'
const identityPath = '/computeMetadata/v1/instance/service-accounts/default/identity'

const gcpRules: Rules<GcpIdentityOptions> = { audience: required(text), fetch: func, timeoutMs: integer(1) }

/**
 * A source for {@link federatedAssertion}: the identity token of the machine's service account, from the metadata server
 * of Google Cloud. That server speaks http on the machine's own link only, which is why this one call is not https.
 *
 * @group Credentials
 */
export function gcpIdentity(options: GcpIdentityOptions): () => Promise<string> {
  checkOptions('gcpIdentity', options, gcpRules)
  const { audience, fetch = platformFetch, timeoutMs = 3000 } = options
  const url = `http://${metadataHost}${identityPath}?audience=${encodeURIComponent(audience)}&format=full`
  const request = {
    fetch,
    headers: { 'metadata-flavor': 'Google' },
    timeoutMs,
    maxBytes: 64 * 1024,
    insecureHosts: new Set([metadataHost]),
    trustedHostnames: [metadataHost],
  }
  return async () => {
    const answer = await guardedFetch(url, request).catch(() => undefined)
    if (answer?.status === 200) return answer.text.trim()
    throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', {
      message: 'The metadata server of Google Cloud gave no identity token',
    })
  }
}
