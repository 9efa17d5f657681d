import { ConfigurationError } from '../../errors/index.js'
import { defaultProofAlgorithms, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { booleanOption, checkNames, choiceOption, numberOption } from '../../kit/check.js'
import type { ReplayStore } from '../../stores/contract.js'
import type { BindingMode } from '../policy/requirement.js'
import { resolveAlgorithms } from './resolve-issuer.js'
import type { DpopNonceOptions, DpopOptions, MtlsOptions } from './types.js'

/** DPoP settings, complete; `replayStore` is `undefined` where the default one shall be made. */
export interface ResolvedDpop {
  readonly mode: BindingMode
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly maxAgeSeconds: number
  readonly maxFutureSeconds: number
  readonly nonce: ResolvedNonce | undefined
  readonly replayStore: ReplayStore | undefined
  readonly dangerouslyAllowReplayWhenStoreFails: boolean
  readonly targetOrigin: 'resource' | 'connection' | 'forwarded' | 'x-forwarded'
  readonly pathPrefix: string
}

/** Nonce settings, complete. */
export interface ResolvedNonce {
  readonly secrets: readonly (string | Uint8Array)[]
  readonly maxAgeSeconds: number
  readonly onSuccess: boolean
}

/** mTLS settings, complete. */
export interface ResolvedMtls {
  readonly mode: BindingMode
  readonly certificateFrom: 'connection' | 'rfc9440' | 'xfcc' | 'nginx' | 'aws'
}

const modes = ['off', 'allowed', 'required'] as const
const dpopNames = [
  'mode',
  'algorithms',
  'maxAgeSeconds',
  'maxFutureSeconds',
  'nonce',
  'replayStore',
  'dangerouslyAllowReplayWhenStoreFails',
  'targetOrigin',
  'pathPrefix',
]
/** Plain segments only: no dot segments, no escapes, no slash at the end. */
const prefixForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]+)+$/

/**
 * Checks DPoP options; a bare mode stands for `{ mode }`.
 *
 * @throws {@link ConfigurationError}
 */
export function resolveDpop(given: BindingMode | DpopOptions | undefined): ResolvedDpop {
  const options: DpopOptions = modeOrOptions(given)
  checkNames('`dpop`', options, dpopNames)
  if (options.replayStore !== undefined && typeof options.replayStore?.reserve !== 'function') {
    throw new ConfigurationError('`dpop.replayStore` takes a ReplayStore, such as createRedisReplayStore gives.')
  }
  return Object.freeze({
    mode: choiceOption('dpop.mode', options.mode, modes, 'allowed'),
    algorithms: resolveAlgorithms('dpop.algorithms', options.algorithms, defaultProofAlgorithms),
    maxAgeSeconds: numberOption('dpop.maxAgeSeconds', options.maxAgeSeconds, { min: 1, max: 300, fallback: 60 }),
    maxFutureSeconds: numberOption('dpop.maxFutureSeconds', options.maxFutureSeconds, {
      min: 0,
      max: 60,
      fallback: 10,
    }),
    nonce: resolveNonce(options.nonce),
    replayStore: options.replayStore,
    dangerouslyAllowReplayWhenStoreFails: booleanOption(
      'dpop.dangerouslyAllowReplayWhenStoreFails',
      options.dangerouslyAllowReplayWhenStoreFails,
      false,
    ),
    targetOrigin: choiceOption(
      'dpop.targetOrigin',
      options.targetOrigin,
      ['resource', 'connection', 'forwarded', 'x-forwarded'],
      'resource',
    ),
    pathPrefix: resolvePathPrefix(options.pathPrefix),
  })
}

function resolvePathPrefix(given: unknown): string {
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

function resolveNonce(nonce: DpopNonceOptions | undefined): ResolvedNonce | undefined {
  if (nonce === undefined) return undefined
  checkNames('`dpop.nonce`', nonce, ['secrets', 'maxAgeSeconds', 'onSuccess'])
  const { secrets } = nonce
  if (!Array.isArray(secrets) || secrets.length === 0 || !secrets.every(isLongSecret)) {
    throw new ConfigurationError('`dpop.nonce.secrets` takes one or more secrets of at least 32 bytes each.')
  }
  return {
    secrets,
    maxAgeSeconds: numberOption('dpop.nonce.maxAgeSeconds', nonce.maxAgeSeconds, { min: 10, max: 3600, fallback: 300 }),
    onSuccess: booleanOption('dpop.nonce.onSuccess', nonce.onSuccess, false),
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
export function resolveMtls(given: BindingMode | MtlsOptions | undefined): ResolvedMtls {
  const options: MtlsOptions = modeOrOptions(given)
  checkNames('`mtls`', options, ['mode', 'certificateFrom'])
  return Object.freeze({
    mode: choiceOption('mtls.mode', options.mode, modes, 'allowed'),
    certificateFrom: choiceOption(
      'mtls.certificateFrom',
      options.certificateFrom,
      ['connection', 'rfc9440', 'xfcc', 'nginx', 'aws'],
      'connection',
    ),
  })
}
