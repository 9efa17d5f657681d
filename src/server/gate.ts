import { sha256Base64url } from '#crypto'
import { Auth, type AuthScheme } from '../auth/auth.js'
import type { Binding } from '../binding/binding.js'
import { checkBound } from '../binding/check-bound.js'
import { type AnswerContext, toAnswer } from '../challenge/answer.js'
import {
  type ApplicationCallback,
  type AuthError,
  InternalError,
  InvalidRequestError,
  isAuthError,
  MissingTokenError,
} from '../errors/index.js'
import { emit } from '../events.js'
import { failureCode } from '../lib/failure-code.js'
import type { MaybePromise } from '../lib/maybe-promise.js'
import { protectedResourceMetadataUrl } from '../metadata/well-known.js'
import type { ResolvedOptions } from '../options/resolve-options.js'
import type { ResolvedResource } from '../options/resolved.js'
import { type CompiledRequirement, compileRequirement } from '../policy/compile-requirement.js'
import type { BindingMode, Requirement } from '../policy/requirement.js'
import type { RequestFacts } from '../request/request-facts.js'
import { readCredentials } from '../token/read-credentials.js'
import type { RevocationList } from '../token/revocation.js'
import type { VerifiedEntry } from '../token/token-rules.js'
import { askAllow, askIsRevoked } from './ask-application.js'
import type { AnswerHeaders, Guard, OptionalGuard, Refused } from './auth-result.js'
import { selectResource } from './select-resource.js'
import { checkTokenSize, type TokenVerifier } from './token-verifier.js'

/** What the gates of a server are made of. */
export interface GateParts<Claims> {
  readonly options: ResolvedOptions
  readonly tokens: TokenVerifier
  readonly binding: Binding
  readonly revocations: Pick<RevocationList, 'check'>
  readonly isRevoked: ((auth: Auth<Claims>) => boolean | Promise<boolean>) | undefined
}

/** One route's gate: its requirement and its resource, compiled. */
interface Gate<Claims> {
  readonly resource: ResolvedResource
  readonly rule: CompiledRequirement
  readonly modes: { readonly dpop: BindingMode; readonly mtls: BindingMode }
  readonly allow: Requirement<Claims>['allow']
  readonly answerContext: Omit<AnswerContext, 'scheme'>
}

/** A request on its way. */
interface Passage {
  /** Fields that belong into its answer whatever becomes of it from here: the next nonce (RFC 9449 §8.2). */
  headers: AnswerHeaders
}

/** Makes guards for routes: the fixed list of steps a request goes through. */
export interface Gates<Claims> {
  guard(requirement: Requirement<Claims>): Guard<Claims>
  optionalGuard(requirement: Requirement<Claims>): OptionalGuard<Claims>
  verify(token: string, requirement: Requirement<Claims>): Promise<Auth<Claims>>
  check(auth: Auth<Claims>, requirement: Requirement<Claims>): Promise<void>
  refuse(thrown: unknown, auth: Auth<unknown> | undefined): Refused
}

const noHeaders: AnswerHeaders = Object.freeze({})
const privateHeaders: AnswerHeaders = Object.freeze({ 'Cache-Control': 'private' })

function callbackOf(error: AuthError): ApplicationCallback | undefined {
  return error instanceof InternalError ? error.callback : undefined
}

/** Makes the gates of one server. */
export function createGates<Claims>({
  options,
  tokens,
  binding,
  revocations,
  isRevoked,
}: GateParts<Claims>): Gates<Claims> {
  const { clock, onEvent } = options.surroundings
  const exposed = options.cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : noHeaders
  const compiled = new WeakMap<Requirement<Claims>, Gate<Claims>>()
  /** What answers to a caller let through have to carry, for refusals that come later. */
  const owed = new WeakMap<Auth<unknown>, AnswerHeaders>()
  /** Refusals an event told of: one that is thrown first and answered later is not told of again. */
  const reported = new WeakSet<AuthError>()

  function gateFor(requirement: Requirement<Claims>): Gate<Claims> {
    const known = compiled.get(requirement)
    if (known !== undefined) return known
    const gate = compile(requirement)
    compiled.set(requirement, gate)
    return gate
  }

  function compile(requirement: Requirement<Claims>): Gate<Claims> {
    // Without types a requirement may be null; compileRequirement says so.
    const resource = selectResource(options.resources, requirement?.resource)
    const rule = compileRequirement(requirement, { implies: options.implies, resource: resource.resource })
    const modes = { dpop: rule.dpop ?? resource.dpop, mtls: rule.mtls ?? resource.mtls }
    return {
      resource,
      rule,
      modes,
      allow: requirement.allow,
      answerContext: {
        metadataUrl: protectedResourceMetadataUrl(resource.resource),
        scope: rule.challengeScope,
        bearerOffered: modes.dpop !== 'required',
        dpopAlgorithms: modes.dpop === 'off' ? undefined : resource.dpopAlgorithms,
        cors: options.cors,
      },
    }
  }

  async function admit(
    gate: Gate<Claims>,
    scheme: AuthScheme,
    token: string,
    facts: RequestFacts | undefined,
    passage: Passage,
  ): Promise<Auth<Claims>> {
    checkTokenSize(token)
    const nowMs = clock()
    const hashed = sha256Base64url(token)
    const tokenHash = typeof hashed === 'string' ? hashed : await hashed
    const verified = tokens.verify(token, tokenHash, gate.resource, nowMs)
    const { entry, issuer } = verified instanceof Promise ? await verified : verified
    const checked = binding.check({
      facts,
      scheme,
      token,
      tokenHash,
      confirmation: entry.tokenClaims['cnf'],
      unknownConfirmation: issuer.unknownConfirmation,
      modes: gate.modes,
      resource: gate.resource.resource,
    })
    const { confirmation, responseHeaders } = checked instanceof Promise ? await checked : checked
    if (responseHeaders !== undefined) passage.headers = { ...exposed, ...responseHeaders }
    const verifiedToken = entry as typeof entry & { claims: Claims }
    const auth = new Auth<Claims>(token, scheme, gate.resource.resource, verifiedToken, confirmation)
    const unrevoked = checkRevocation(entry, auth)
    if (unrevoked !== undefined) await unrevoked
    // RFC 9470 §9: what a route demands is told to good tokens only.
    gate.rule.judge(entry, nowMs, issuer.clockToleranceMs)
    if (gate.allow !== undefined) await askAllow(gate.allow, auth)
    return auth
  }

  /** Possession was shown by the very request that `auth` is of, and a proof is good for one use only. */
  async function admitAgain(gate: Gate<Claims>, auth: Auth<Claims>): Promise<void> {
    const nowMs = clock()
    const { entry, issuer } = await tokens.verify(auth.token, await sha256Base64url(auth.token), gate.resource, nowMs)
    checkBound(auth.scheme, auth.confirmation, gate.modes)
    await checkRevocation(entry, auth)
    gate.rule.judge(entry, nowMs, issuer.clockToleranceMs)
    if (gate.allow !== undefined) await askAllow(gate.allow, auth)
  }

  function checkRevocation(entry: VerifiedEntry, auth: Auth<Claims>): MaybePromise<void> {
    const listed = revocations.check(entry)
    return isRevoked === undefined ? listed : askIsRevoked(isRevoked, auth, listed)
  }

  function refuse(
    thrown: unknown,
    gate: Gate<Claims>,
    scheme: AuthScheme | undefined,
    headers?: AnswerHeaders,
  ): Refused {
    const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
    report(error, gate)
    return refused(error, gate, scheme, headers)
  }

  function refused(
    error: AuthError,
    gate: Gate<Claims>,
    scheme: AuthScheme | undefined,
    headers?: AnswerHeaders,
  ): Refused {
    const answer = toAnswer(error, { ...gate.answerContext, scheme })
    const fault = error.status === 500
    return { ok: false, error, answer: { ...answer, headers: { ...headers, ...answer.headers } }, fault }
  }

  function report(error: AuthError, { resource: { resource } }: Gate<Claims>): void {
    reported.add(error)
    const { code, status, detail } = error
    if (onEvent === undefined) return
    emit(onEvent, { type: 'auth.refused', code, status, resource, detail })
    if (status === 500)
      emit(onEvent, {
        type: 'application.failed',
        callback: callbackOf(error),
        errorName: failureCode(error.cause ?? error),
      })
  }

  function accept(auth: Auth<Claims>, headers: AnswerHeaders, queryUsed: boolean) {
    const { issuer, resource, scheme } = auth
    if (headers !== noHeaders) owed.set(auth, headers)
    if (onEvent) emit(onEvent, { type: 'auth.accepted', issuer, resource, scheme })
    return { ok: true as const, auth, headers: queryUsed ? { ...privateHeaders, ...headers } : headers }
  }

  function optionalGuard(requirement: Requirement<Claims>, anonymous = true): OptionalGuard<Claims> {
    const gate = gateFor(requirement)
    return async (facts) => {
      const passage: Passage = { headers: noHeaders }
      let scheme: AuthScheme | undefined
      try {
        const read = readCredentials(facts, gate.resource.bearerMethods, gate.modes.dpop !== 'off')
        scheme = read.scheme
        if (read.error === undefined) {
          const auth = await admit(gate, read.scheme, read.token, facts, passage)
          return accept(auth, passage.headers, read.method === 'query')
        }
        if (anonymous && read.error instanceof MissingTokenError) {
          return { ok: true, auth: undefined, headers: noHeaders }
        }
        return refuse(read.error, gate, scheme)
      } catch (thrown) {
        return refuse(thrown, gate, scheme, passage.headers)
      }
    }
  }

  return {
    optionalGuard,
    guard: (requirement) => optionalGuard(requirement, false) as Guard<Claims>,
    refuse(thrown, auth) {
      const caller = auth instanceof Auth ? auth : undefined
      const gate = compile({ resource: caller?.resource ?? options.resources[0]?.resource })
      const judge = isAuthError(thrown) && reported.has(thrown) ? refused : refuse
      return judge(thrown as AuthError, gate, caller?.scheme, caller && owed.get(caller))
    },
    async check(auth, requirement) {
      const gate = gateFor(requirement)
      try {
        await admitAgain(gate, auth)
      } catch (thrown) {
        throw refuse(thrown, gate, auth.scheme).error
      }
    },
    async verify(token, requirement) {
      const gate = gateFor(requirement)
      try {
        if (typeof token !== 'string') throw new InvalidRequestError('ERR_REQUEST_MALFORMED')
        return await admit(gate, 'Bearer', token, undefined, { headers: noHeaders })
      } catch (thrown) {
        throw refuse(thrown, gate, 'Bearer').error
      }
    },
  }
}
