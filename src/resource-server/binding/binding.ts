/** Whether the sender of a token holds the key or the certificate it is bound to. Does NOT verify the token itself. */
import { constantTimeEqual } from '#crypto'
import type { AuthScheme, Confirmation } from '../../auth/auth.js'
import { ConfigurationError, InvalidTokenError, MissingTokenError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { createTrustedProxies } from '../../http/trusted-proxies.js'
import type { Clock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import { isJsonObject, ownMember } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import type { BindingMode } from './binding-options.js'
import {
  type CertificateReading,
  type CertificateSource,
  certificateThumbprint,
  createClientCertificateReader,
} from './client-certificate.js'
import { createDpopVerifier, type DpopVerifierSettings } from './dpop-verifier.js'

/** What a {@link Binding} goes by: resolved options, and the replay store to use. */
export interface BindingSettings {
  readonly dpop: Omit<DpopVerifierSettings, 'replayStore' | 'watch' | 'isTrustedProxy' | 'clock' | 'onEvent'>
  readonly mtls: { readonly certificateFrom: CertificateSource }
  readonly replayStore: DpopVerifierSettings['replayStore']
  readonly watch?: DpopVerifierSettings['watch']
  readonly trustedProxies: readonly string[]
  readonly surroundings: { readonly clock: Clock; readonly onEvent: EventListener | undefined }
}

/** A verified token together with how it came. */
export interface BindingRequest {
  /** The request; `undefined` outside of HTTP, where nothing can show possession of a key. */
  readonly facts: RequestFacts | undefined
  readonly scheme: AuthScheme
  /** The access token exactly as presented. */
  readonly token: string
  /** SHA-256 of the token in base64url, where it is known already. */
  readonly tokenHash?: string | undefined
  /** The `cnf` claim, or the member of that name in an introspection answer, as it stands there. */
  readonly confirmation: unknown
  /** Default `'refuse'`; see `IssuerOptions.dangerouslyUnknownConfirmation`. */
  readonly unknownConfirmation?: 'refuse' | 'ignore' | undefined
  /** The modes in force for the route. */
  readonly modes: { readonly dpop: BindingMode; readonly mtls: BindingMode }
  /** The identifier of the protected resource the request is for. */
  readonly resource: string
  /** Whether the proof shall be left unused, see {@link DpopRequest}. */
  readonly isRehearsal?: boolean | undefined
}

/** A binding that holds. */
export interface BindingResult {
  /** What the token is bound to, all of it proven; `undefined` for an unbound token. */
  readonly confirmation: Confirmation | undefined
  /** Header fields a success answer has to carry. */
  readonly responseHeaders: Readonly<Record<string, string>> | undefined
}

/** Judges whether the sender of a token is the one it is bound to. */
export interface Binding {
  /**
   * Checks every known member of `cnf`: each one must hold (RFC 7800 §3.1), and required modes are independent of each
   * other.
   * Throws synchronously or rejects. Last of all checks a proof is used up.
   *
   * @throws {@link InvalidTokenError} `ERR_TOKEN_BOUND`, `ERR_TOKEN_UNBOUND`, `ERR_TOKEN_BINDING_MISMATCH`,
   * `ERR_TOKEN_CERTIFICATE`, `ERR_TOKEN_CONFIRMATION`; {@link MissingTokenError} for the DPoP scheme where DPoP is off;
   * and what {@link DpopVerifier.verify} throws.
   */
  check(request: BindingRequest): MaybePromise<BindingResult>
}

const noRequest = 'no HTTP request'
/** Of a token that is bound to nothing. */
export const unbound: BindingResult = Object.freeze({ confirmation: undefined, responseHeaders: undefined })

/**
 * Makes the binding checks of one server.
 *
 * @throws {@link ConfigurationError} for a wrong trusted proxy, and where a proxy's fields are to be read and no proxy
 * is trusted.
 */
export function createBinding(settings: BindingSettings): Binding {
  const { dpop, mtls, trustedProxies } = settings
  if (trustedProxies.length === 0) refuseProxyFields(dpop.targetOrigin, mtls.certificateFrom)
  const isTrustedProxy = createTrustedProxies(trustedProxies)
  const readCertificate = createClientCertificateReader({ certificateFrom: mtls.certificateFrom, isTrustedProxy })
  const { clock, onEvent } = settings.surroundings
  const { replayStore, watch } = settings
  const verifier = createDpopVerifier({ ...dpop, replayStore, watch, isTrustedProxy, clock, onEvent })

  function checkCertificate(facts: RequestFacts | undefined, expected: string | undefined): MaybePromise<void> {
    if (expected === undefined) return
    const reading: CertificateReading = facts === undefined ? { detail: noRequest } : readCertificate(facts)
    const { certificate, thumbprint, detail } = reading
    if (thumbprint !== undefined) demandEqual(thumbprint, expected)
    if (certificate !== undefined) {
      return whenReady(certificateThumbprint(certificate), (actual) => demandEqual(actual, expected))
    }
    if (thumbprint === undefined) {
      throw new InvalidTokenError('ERR_TOKEN_CERTIFICATE', { detail, expected, received: 'no certificate' })
    }
  }

  function checkProof(request: BindingRequest, confirmation: Confirmation): MaybePromise<BindingResult> {
    const { jkt } = confirmation
    const { facts, token, tokenHash, resource, isRehearsal } = request
    if (jkt === undefined) return { confirmation, responseHeaders: undefined }
    if (facts === undefined) {
      throw new InvalidTokenError('ERR_TOKEN_BOUND', { detail: noRequest, expected: 'a proof', received: noRequest })
    }
    return whenReady(
      verifier.verify({ facts, accessToken: token, tokenHash, jkt, resource, isRehearsal }),
      ({ responseHeaders }) => ({ confirmation, responseHeaders }),
    )
  }

  return {
    check(request) {
      const confirmation = readConfirmation(request.confirmation, request.unknownConfirmation)
      checkBound(request.scheme, confirmation, request.modes)
      if (confirmation === undefined) return unbound
      return whenReady(checkCertificate(request.facts, confirmation['x5t#S256']), () =>
        checkProof(request, confirmation),
      )
    },
  }
}

function demandEqual(thumbprint: string, expected: string): void {
  if (constantTimeEqual(thumbprint, expected)) return
  throw new InvalidTokenError('ERR_TOKEN_CERTIFICATE', {
    detail: 'another certificate',
    expected,
    received: thumbprint,
  })
}

function refuseProxyFields(targetOrigin: string, certificateFrom: string): void {
  if (targetOrigin === 'forwarded' || targetOrigin === 'x-forwarded') {
    throw new ConfigurationError(
      `\`dpop.targetOrigin: '${targetOrigin}'\` needs \`trustedProxies\`: name your proxies.`,
    )
  }
  if (certificateFrom !== 'connection') {
    throw new ConfigurationError(
      `\`mtls.certificateFrom: '${certificateFrom}'\` needs \`trustedProxies\`: name your proxies.`,
    )
  }
}

/**
 * Holds what a token is bound to, and the scheme it came by, against the modes of a requirement. A gate asks before it
 * checks possession; a later check of a caller let through before asks again, under the modes of its own requirement.
 * Does NOT check possession.
 *
 * @throws {@link MissingTokenError} for the DPoP scheme where DPoP is off; {@link InvalidTokenError} `ERR_TOKEN_BOUND`
 * for a token bound to a key that came as Bearer, `ERR_TOKEN_UNBOUND` for one without a binding it needs,
 * `ERR_TOKEN_CONFIRMATION` for one bound to a certificate where mTLS is off.
 */
export function checkBound(
  scheme: AuthScheme,
  confirmation: Confirmation | undefined,
  modes: { readonly dpop: BindingMode; readonly mtls: BindingMode },
): void {
  checkDpopMode(scheme, confirmation?.jkt, modes.dpop)
  checkMtlsMode(confirmation?.['x5t#S256'], modes.mtls)
}

function checkDpopMode(scheme: AuthScheme, jkt: string | undefined, mode: BindingMode): void {
  if (scheme === 'DPoP' && mode === 'off')
    throw new MissingTokenError({ detail: 'DPoP is off', expected: 'Bearer', received: scheme })
  if (jkt !== undefined && scheme !== 'DPoP') {
    throw new InvalidTokenError('ERR_TOKEN_BOUND', { expected: 'DPoP', received: scheme })
  }
  if (jkt === undefined && (scheme === 'DPoP' || mode === 'required')) {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', { detail: 'no jkt', expected: 'jkt', received: scheme })
  }
}

function checkMtlsMode(thumbprint: string | undefined, mode: BindingMode): void {
  if (thumbprint === undefined && mode === 'required') {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', {
      detail: 'no x5t#S256',
      expected: 'x5t#S256',
      received: 'no certificate named',
    })
  }
  if (thumbprint !== undefined && mode === 'off') {
    throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', {
      detail: 'mTLS is off',
      expected: 'no x5t#S256',
      received: 'x5t#S256',
    })
  }
}

/**
 * Reads a `cnf` claim (RFC 7800 §3.1). Members it does not know are ignored beside `jkt` or `x5t#S256`. `undefined` for
 * a token that is not bound: no claim, or, where the issuer's options say so, a claim that has only unknown members.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_CONFIRMATION` for a claim that is not an object, or an empty one, a known
 * member that is not a string, or an empty one, and for only unknown members unless those are ignored.
 * @internal
 */
export function readConfirmation(
  cnf: unknown,
  unknownMembersAlone: BindingRequest['unknownConfirmation'],
): Confirmation | undefined {
  if (cnf === undefined) return undefined
  if (!isJsonObject(cnf) || Object.keys(cnf).length === 0) {
    refuseConfirmation('cnf is no object with members', { expected: 'an object with members', received: cnf })
  }
  const jkt = readThumbprint(ownMember(cnf, 'jkt'))
  const thumbprint = readThumbprint(ownMember(cnf, 'x5t#S256'))
  if (jkt !== undefined || thumbprint !== undefined) return Object.freeze({ jkt, 'x5t#S256': thumbprint })
  if (unknownMembersAlone === 'ignore') return undefined
  const known = ['jkt', 'x5t#S256']
  return refuseConfirmation('cnf has no member known here', { expected: known, received: Object.keys(cnf) })
}

function readThumbprint(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return refuseConfirmation('a member of cnf is no string', { expected: 'a text that is not empty', received: value })
}

function refuseConfirmation(
  detail: string,
  explanation: { readonly expected: unknown; readonly received: unknown },
): never {
  throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail, ...explanation })
}
