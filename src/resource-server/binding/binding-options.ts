import { ConfigurationError } from '../../errors/index.js'
import { checkAlgorithms, defaultProofAlgorithms, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { anything, checkOptions, choice, flag, integer, type Rules } from '../../kit/options.js'
import type { ReplayStore } from '../../stores/contract.js'

/** Whether bound tokens are demanded: `off` refuses them, `allowed` takes both, `required` takes only bound ones. */
export type BindingMode = 'off' | 'allowed' | 'required'

/** DPoP at the resource server (RFC 9449). @group Resource server */
export interface DpopOptions {
  /** Default `allowed`. */
  readonly mode?: BindingMode | undefined
  /** Accepted proof algorithms; published in metadata and challenges. Default ES256 PS256 EdDSA Ed25519. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Oldest acceptable `iat`, seconds back. 1 to 300, default 60. */
  readonly maxAgeSeconds?: number | undefined
  /** Most an `iat` may lie ahead, in seconds. 0 to 60, default 10. */
  readonly maxFutureSeconds?: number | undefined
  /** Demand server nonces (RFC 9449 §9). Default none. */
  readonly nonce?: DpopNonceOptions | undefined
  /**
   * Where proofs are remembered. Default: in memory, bounded, good for one process; several instances need a shared one.
   */
  readonly replayStore?: ReplayStore | undefined
  /** `true` accepts proofs unseen by anybody when the replay store fails. Default false: 503. */
  readonly dangerouslyAllowReplayWhenStoreFails?: boolean | undefined
  /**
   * How the URI in `htu` is known. `resource`: origin of the resource identifier (default). `connection`: TLS state and
   * `Host`. `forwarded`: RFC 7239 `Forwarded`, `x-forwarded`: `X-Forwarded-Proto` and `-Host`, each from a trusted
   * proxy only.
   */
  readonly targetOrigin?: 'resource' | 'connection' | 'forwarded' | 'x-forwarded' | undefined
  /**
   * What a proxy strips from the front of the path of each request, such as `/api`: `htu` has it, the request that
   * arrives has not. It is put before every path, so that each request has one URI. Plain segments, a slash first and
   * none at the end. Default none: the path stays as it arrives.
   */
  readonly pathPrefix?: string | undefined
}

/** Server nonces for DPoP proofs. @group Resource server */
export interface DpopNonceOptions {
  /** Secrets of at least 32 bytes, the first one signs, all verify. Share them between instances. */
  readonly secrets: readonly (string | Uint8Array)[]
  /** Lifetime of a nonce. 10 to 3600, default 300. */
  readonly maxAgeSeconds?: number | undefined
  /** Send a fresh `DPoP-Nonce` with every answer to a proof that holds, refusals after it included. Default false. */
  readonly onSuccess?: boolean | undefined
}

/** Certificate-bound tokens (RFC 8705 §3). @group Resource server */
export interface MtlsOptions {
  /** Default `allowed`. */
  readonly mode?: BindingMode | undefined
  /**
   * Where the client certificate comes from: the TLS connection (default), or a header of a trusted proxy: `rfc9440`
   * (`Client-Cert`), `xfcc` (Envoy's `X-Forwarded-Client-Cert`: one element with `Hash` or `Cert`), `nginx` (`X-SSL-Client-Cert`, URL-encoded PEM), `aws`
   * (`X-Amzn-Mtls-Clientcert-Leaf` or `X-Amzn-Mtls-Clientcert`).
   */
  readonly certificateFrom?: 'connection' | 'rfc9440' | 'xfcc' | 'nginx' | 'aws' | undefined
}

/** DPoP settings, complete; `replayStore` is `undefined` where the default one shall be made. */
export interface DpopSettings {
  readonly mode: BindingMode
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly maxAgeSeconds: number
  readonly maxFutureSeconds: number
  readonly nonce: NonceSettings | undefined
  readonly replayStore: ReplayStore | undefined
  readonly dangerouslyAllowReplayWhenStoreFails: boolean
  readonly targetOrigin: 'resource' | 'connection' | 'forwarded' | 'x-forwarded'
  readonly pathPrefix: string
}

/** Nonce settings, complete. */
export interface NonceSettings {
  readonly secrets: readonly (string | Uint8Array)[]
  readonly maxAgeSeconds: number
  readonly onSuccess: boolean
}

/** mTLS settings, complete. */
export interface MtlsSettings {
  readonly mode: BindingMode
  readonly certificateFrom: 'connection' | 'rfc9440' | 'xfcc' | 'nginx' | 'aws'
}

/** The modes, in the order of strictness. */
export const bindingModes = ['off', 'allowed', 'required'] as const

const mode = choice(...bindingModes)

const dpopRules: Rules<DpopOptions> = {
  mode,
  algorithms: anything,
  maxAgeSeconds: integer(1, 300),
  maxFutureSeconds: integer(0, 60),
  nonce: anything,
  replayStore: anything,
  dangerouslyAllowReplayWhenStoreFails: flag,
  targetOrigin: choice('resource', 'connection', 'forwarded', 'x-forwarded'),
  pathPrefix: anything,
}

const nonceRules: Rules<DpopNonceOptions> = { secrets: anything, maxAgeSeconds: integer(10, 3600), onSuccess: flag }

const mtlsRules: Rules<MtlsOptions> = {
  mode,
  certificateFrom: choice('connection', 'rfc9440', 'xfcc', 'nginx', 'aws'),
}

/** Plain segments only: no dot segments, no escapes, no slash at the end. */
const prefixForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]+)+$/

/**
 * Checks DPoP options; a bare mode stands for `{ mode }`.
 *
 * @throws {@link ConfigurationError}
 */
export function toDpopSettings(given: BindingMode | DpopOptions | undefined): DpopSettings {
  const options: DpopOptions = modeOrOptions(given)
  checkOptions('`dpop`', options, dpopRules, 'dpop.')
  if (options.replayStore !== undefined && typeof options.replayStore?.reserve !== 'function') {
    throw new ConfigurationError('`dpop.replayStore` takes a ReplayStore, such as createRedisReplayStore gives.')
  }
  return Object.freeze({
    mode: options.mode ?? 'allowed',
    algorithms: checkAlgorithms('dpop.algorithms', options.algorithms, defaultProofAlgorithms),
    maxAgeSeconds: options.maxAgeSeconds ?? 60,
    maxFutureSeconds: options.maxFutureSeconds ?? 10,
    nonce: toNonceSettings(options.nonce),
    replayStore: options.replayStore,
    dangerouslyAllowReplayWhenStoreFails: options.dangerouslyAllowReplayWhenStoreFails ?? false,
    targetOrigin: options.targetOrigin ?? 'resource',
    pathPrefix: checkPathPrefix(options.pathPrefix),
  })
}

function checkPathPrefix(given: unknown): string {
  if (given === undefined) return ''
  if (typeof given === 'string' && prefixForm.test(given)) return given
  throw new ConfigurationError(
    "`dpop.pathPrefix` takes what a proxy strips from the front of each path, such as '/api': a slash first, none at the end, no dot segments and no escapes.",
  )
}

function modeOrOptions<T extends object>(given: BindingMode | T | undefined): T | { mode?: BindingMode } {
  if (given === undefined) return {}
  return typeof given === 'string' ? { mode: given } : given
}

function toNonceSettings(nonce: DpopNonceOptions | undefined): NonceSettings | undefined {
  if (nonce === undefined) return undefined
  checkOptions('`dpop.nonce`', nonce, nonceRules, 'dpop.nonce.')
  const { secrets } = nonce
  if (!Array.isArray(secrets) || secrets.length === 0 || !secrets.every(isLongSecret)) {
    throw new ConfigurationError('`dpop.nonce.secrets` takes one or more secrets of at least 32 bytes each.')
  }
  return {
    secrets,
    maxAgeSeconds: nonce.maxAgeSeconds ?? 300,
    onSuccess: nonce.onSuccess ?? false,
  }
}

function isLongSecret(secret: unknown): boolean {
  return (typeof secret === 'string' || secret instanceof Uint8Array) && secret.length >= 32
}

/**
 * Checks mTLS options; a bare mode stands for `{ mode }`.
 *
 * @throws {@link ConfigurationError}
 */
export function toMtlsSettings(given: BindingMode | MtlsOptions | undefined): MtlsSettings {
  const options: MtlsOptions = modeOrOptions(given)
  checkOptions('`mtls`', options, mtlsRules, 'mtls.')
  return Object.freeze({
    mode: options.mode ?? 'allowed',
    certificateFrom: options.certificateFrom ?? 'connection',
  })
}
