/** Holds a request against the choices, with the gate itself. Sends nothing: the issuer is answered for here. */
import { fetchRequestFacts } from '../../../../src/adapter.js'
import {
  createResourceServer,
  type Explanation,
  type Fetch,
  type HttpAnswer,
  type IssuerOptions,
  type JsonObject,
  type RequestFacts,
} from '../../../../src/index.js'
import { discoveryUrls } from '../../../../src/issuer/discovery.js'
import { maxTokenLength, readJsonSegment } from '../../../../src/jws/compact-jws.js'
import type { Choices } from './choices.js'
import { toIssuer, toRequirement, toServerOptions } from './gate-set-up.js'
import type { SentRequest } from './token-maker.js'

/** What an accepted request says of its caller. */
export interface Caller {
  readonly subject: string
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly tenant: string | undefined
}

/** What became of a request. */
export interface Judgement {
  readonly explanation: Explanation
  /** Of a refusal; `undefined` for a request that is let through. */
  readonly answer: HttpAnswer | undefined
  readonly caller: Caller | undefined
  /** The protected-resource metadata (RFC 9728). */
  readonly metadata: { readonly url: string; readonly body: string }
}

/**
 * Judges and explains. Each call has a server of its own, so that no key, proof or token of the call before counts.
 *
 * @throws ConfigurationError, or TypeError of a preset, with a sentence that says what to write instead.
 */
export async function judge(choices: Choices, request: SentRequest): Promise<Judgement> {
  const issuer = toIssuer(choices)
  const server = createResourceServer({ ...toServerOptions(choices), issuer, fetch: answerFor(issuer, request.keySet) })
  const requirement = toRequirement(choices)
  const explanation = await server.explain(toFacts(request, issuer), requirement)
  const result = await server.authenticate(toFacts(request, issuer), requirement)
  const url = server.metadataUrl()
  const published = await server.metadata(fetchRequestFacts(new Request(url)))
  return {
    explanation,
    answer: result.ok ? undefined : result.answer,
    caller: result.ok ? callerOf(result.auth) : undefined,
    metadata: { url, body: published?.body ?? '' },
  }
}

function callerOf({ subject, clientId, scopes, roles, tenant }: Caller): Caller {
  return { subject, clientId, scopes, roles, tenant }
}

/** Answers for the issuer: its metadata and the key set that was pasted. Everything else is a failure of the network. */
function answerFor({ issuer, jwksUri }: IssuerOptions, keySet: string): Fetch {
  const keysAt = jwksUri ?? `${issuer.replace(/\/$/, '')}/jwks`
  return (url) => {
    if (url === keysAt) return Promise.resolve(new Response(keySet))
    if (discoveryUrls(issuer).includes(url)) return Promise.resolve(Response.json({ issuer, jwks_uri: keysAt }))
    return Promise.reject(new TypeError('This page sends nothing.'))
  }
}

/** The facts of a request, with the fields in which its provider sends tokens. */
function toFacts(request: SentRequest, { tokenHeader }: IssuerOptions): RequestFacts {
  const fields = new Map<string, string>()
  const { token, sentAs, proof } = request
  if (sentAs !== 'nothing') {
    if (tokenHeader === undefined) fields.set('authorization', `${sentAs} ${token.trim()}`)
    else fields.set(tokenHeader.toLowerCase(), token.trim())
  }
  if (sentAs === 'DPoP' && proof.trim() !== '') fields.set('dpop', proof.trim())
  return {
    method: request.method,
    url: request.path,
    headerValues(name) {
      const value = fields.get(name)
      return value === undefined ? [] : [value]
    },
  }
}

/** The header and the payload of a JWT, unchecked; `undefined` for what cannot be read as one. */
export function readToken(token: string): { readonly header: JsonObject; readonly payload: JsonObject } | undefined {
  if (token.length > maxTokenLength) return undefined
  const [first = '', second = ''] = token.trim().split('.')
  const header = readJsonSegment(first)
  const payload = header && readJsonSegment(second)
  return header && payload && { header, payload }
}
