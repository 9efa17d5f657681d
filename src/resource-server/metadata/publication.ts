import { sha256Base64url } from '#crypto'
import type { Clock } from '../../kit/clock.js'
import type { JsonObject } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'

/** A document as it goes over the wire. */
export interface Publication {
  readonly body: string
  /** A strong entity tag, quotes included. */
  readonly etag: string
}

/** What a document needs to be published. */
export interface PublicationSettings {
  /** Signs the claims; see `ResourceMetadataOptions.sign`. */
  readonly sign: ((claims: JsonObject) => MaybePromise<string>) | undefined
  /** How long one signature is served before the signer is asked again: as long as clients may cache the document. */
  readonly maxAgeSeconds: number
  readonly clock: Clock
}

/**
 * Makes a function that gives the document ready to send. An unsigned one is serialised once. A signed one carries
 * `signed_metadata` (RFC 9728 §2.2) and is made anew once its lifetime is over; requests that come meanwhile share one
 * signing. The signer gets the document's members as claims; `iss`, which §2.2 demands, and any `exp` are the signer's
 * to add, because only the application knows under whose name it signs.
 *
 * The function rejects when the signer fails or takes more than 5 s, and tries again with the next request.
 */
export function createPublication(
  document: JsonObject,
  settings: PublicationSettings,
): () => MaybePromise<Publication> {
  const { sign, maxAgeSeconds, clock } = settings
  let current: MaybePromise<Publication> | undefined
  let staleAtMs = Number.POSITIVE_INFINITY

  return () => {
    if (current !== undefined && clock() < staleAtMs) return current
    if (sign === undefined) {
      current = publish(document)
      return current
    }
    const signing = publishSigned(document, sign)
    signing.catch(() => {
      if (current === signing) current = undefined
    })
    staleAtMs = clock() + maxAgeSeconds * 1000
    current = signing
    return signing
  }
}

/** Serialises a document and tags it. */
export function publish(document: JsonObject): MaybePromise<Publication> {
  const body = JSON.stringify(document)
  return whenReady(sha256Base64url(body), (hash) => ({ body, etag: `"${hash}"` }))
}

type Signer = (claims: JsonObject) => MaybePromise<string>

async function publishSigned(document: JsonObject, sign: Signer): Promise<Publication> {
  const signature: unknown = await inTime(() => sign({ ...document }))
  if (typeof signature !== 'string') throw new TypeError('metadata.sign gave no string')
  return publish({ ...document, signed_metadata: signature })
}
