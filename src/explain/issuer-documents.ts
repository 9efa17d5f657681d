/** One look at what an authorization server publishes, by the rules of the verifier. Keeps nothing, repeats nothing. */
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import { discoveryUrls, isNothingThere, readMetadata, usableMetadata } from '../issuer/discovery.js'
import { FetchFailure, type FetchFailureReason } from '../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, guardedFetch } from '../kit/fetch/guarded-fetch.js'
import { ownMember, parseJsonObject } from '../kit/json.js'
import type { Surroundings } from '../kit/surroundings.js'

/** How one look goes out. */
export interface LookSettings {
  readonly surroundings: Surroundings
  readonly timeoutMs: number
  /** Whether a person or a configuration names the host: one that only a token names must be on the public internet. */
  readonly isTrusted: boolean
}

/** What one well-known address answered. */
export interface DiscoveryAttempt {
  readonly url: string
  readonly status: number | undefined
  readonly failure: FetchFailureReason | undefined
}

/** The outcome of {@link lookUpMetadata}. */
export interface MetadataLook {
  readonly attempts: readonly DiscoveryAttempt[]
  /** The address that answered. */
  readonly url: string | undefined
  readonly metadata: AuthorizationServerMetadata | undefined
  /** Why there is none. */
  readonly failure: FetchFailureReason | undefined
}

/** As much as the verifier takes of each. */
const maxMetadataBytes = 262_144
const maxKeySetBytes = 524_288

/**
 * Asks the well-known addresses of `issuer` in turn (RFC 8414 §3.1, OpenID Connect Discovery §4.1). The document must name
 * this very issuer. Never rejects.
 */
export async function lookUpMetadata(issuer: string, settings: LookSettings): Promise<MetadataLook> {
  const attempts: DiscoveryAttempt[] = []
  for (const url of discoveryUrls(issuer)) {
    const attempt = await askForMetadata(url, issuer, settings)
    const { metadata, status, failure } = attempt
    attempts.push({ url, status, failure })
    if (metadata !== undefined) return { attempts, url, metadata, failure: undefined }
    if (!isAbsent(status, failure)) return { attempts, url, metadata: undefined, failure }
  }
  return { attempts, url: undefined, metadata: undefined, failure: attempts.at(-1)?.failure }
}

/** Whether the next address may have it: this one has nothing, or a page for people. */
function isAbsent(status: number | undefined, failure: FetchFailureReason | undefined): boolean {
  if (failure === 'status') return status !== undefined && isNothingThere(status)
  return failure === 'redirect' || failure === 'not_utf8' || failure === 'media_type' || failure === 'malformed'
}

interface MetadataAttempt {
  readonly status: number | undefined
  readonly failure: FetchFailureReason | undefined
  readonly metadata?: AuthorizationServerMetadata
}

async function askForMetadata(url: string, issuer: string, settings: LookSettings): Promise<MetadataAttempt> {
  let status: number | undefined
  try {
    const trustedHostnames = settings.isTrusted ? [new URL(url).hostname] : []
    const answer = await ask(url, 'application/json', maxMetadataBytes, trustedHostnames, settings)
    status = answer.status
    if (status !== 200) throw new FetchFailure('status')
    if (answer.mediaType !== 'application/json') throw new FetchFailure('media_type')
    const document = parseJsonObject(answer.text)
    if (document === undefined) throw new FetchFailure('malformed')
    const metadata = usableMetadata(readMetadata(document, issuer), settings.surroundings.insecureHosts)
    return { status, failure: undefined, metadata }
  } catch (error) {
    return { status, failure: reasonOfFailure(error) }
  }
}

/** Entries of a key set, unread, or why there are none. */
export type KeySetLook = { readonly entries: readonly unknown[] } | { readonly failure: FetchFailureReason }

/** Fetches a JWK set (RFC 7517 §5). `trustedHostnames` as everywhere: those that no document named. Never rejects. */
export async function lookUpKeySet(
  jwksUri: string,
  trustedHostnames: readonly string[],
  settings: Omit<LookSettings, 'isTrusted'>,
): Promise<KeySetLook> {
  try {
    const accept = 'application/jwk-set+json, application/json'
    const answer = await ask(jwksUri, accept, maxKeySetBytes, trustedHostnames, settings)
    if (answer.status !== 200) throw new FetchFailure('status')
    const document = parseJsonObject(answer.text)
    const entries = document === undefined ? undefined : ownMember(document, 'keys')
    return Array.isArray(entries) ? { entries } : { failure: 'malformed' }
  } catch (error) {
    return { failure: reasonOfFailure(error) }
  }
}

function ask(
  url: string,
  accept: string,
  maxBytes: number,
  trustedHostnames: readonly string[],
  { surroundings, timeoutMs }: Omit<LookSettings, 'isTrusted'>,
): Promise<FetchedAnswer> {
  const { fetch, insecureHosts } = surroundings
  return guardedFetch(url, {
    fetch,
    headers: { accept },
    timeoutMs,
    maxBytes,
    insecureHosts,
    trustedHostnames,
  })
}

/** `guardedFetch` rejects with nothing else, and no more do the readers of its answer. */
function reasonOfFailure(error: unknown): FetchFailureReason {
  return (error as FetchFailure).reason
}

const sentences: Readonly<Record<FetchFailureReason, string>> = {
  insecure_url: 'the URL is not https',
  private_address: 'its host is not on the public internet',
  network: 'the connection failed: check the name, the port, a proxy and the certificate',
  timeout: 'the answer did not come in time',
  redirect: 'it answers with a redirect, and none is followed',
  too_large: 'the answer is too large',
  not_utf8: 'the answer is not UTF-8 text',
  status: 'it answers with an error status',
  media_type: 'the answer is not application/json',
  malformed: 'the answer is not the JSON it has to be',
  issuer_mismatch: 'the document names another issuer: write the identifier exactly as it stands there',
  jwks_uri_missing: 'the metadata has no `jwks_uri` over https',
  no_usable_key: 'the key set has no usable key',
}

/** A reason in words, to stand after a colon. */
export function failureSentence(reason: FetchFailureReason): string {
  return sentences[reason]
}
