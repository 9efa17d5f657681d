import { deepStrictEqual } from 'node:assert/strict'
import type { ClaimsSchema, ResourceServerOptions } from '../../index.js'
import type { DpopClient, TestIssuer } from '../index.js'
import type { ExactRequest, ExactResponse } from './http-exchange.js'

/** What the rows make their requests of. */
export interface ContractKit {
  readonly issuer: TestIssuer
  readonly client: DpopClient
}

/** One line of the contract: a request, and all there is to say about the answer. */
export interface ContractRow {
  /** A sentence without its subject, which is the framework. Starts with the requirements it proves. */
  readonly title: string
  request(kit: ContractKit): ExactRequest
  readonly status: number
  /** Every `WWW-Authenticate` field, in order. Default none. */
  readonly challenges?: readonly string[]
  /** Other fields, each with all its values in order. */
  readonly fields?: Readonly<Record<string, readonly string[]>>
  /** The exact body, as text or as JSON. Default: not looked at. */
  readonly body?: string | object
  /** Anything else. */
  check?(response: ExactResponse): void
}

/** What a row says of an answer. */
export type ExpectedAnswer = Omit<ContractRow, 'title' | 'request'>

/** Rows for a server with settings of its own. The application is the same. */
export interface ContractSettings {
  /** Ends the sentence "… on a server that". */
  readonly name: string
  /** What the server has beside the settings every row is asked with. */
  options(issuer: TestIssuer): Partial<ResourceServerOptions<ClaimsSchema>>
  readonly rows: readonly ContractRow[]
}

/** Holds an answer against all that is said of it. `joinsFields`: several challenges come as one field with commas. */
export function expectAnswer(response: ExactResponse, expected: ExpectedAnswer, joinsFields: boolean): void {
  const { status, challenges = [], fields = {}, body } = expected
  const joined = joinsFields && challenges.length > 0 ? [challenges.join(', ')] : challenges
  deepStrictEqual([response.status, response.fields('WWW-Authenticate')], [status, joined])
  for (const [name, values] of Object.entries(fields)) deepStrictEqual([name, response.fields(name)], [name, values])
  if (typeof body === 'string') deepStrictEqual(response.body, body)
  if (typeof body === 'object') deepStrictEqual(JSON.parse(response.body), body)
  expected.check?.(response)
}

/** The protected resource, and where its metadata is. */
export const resource = 'https://api.example.com/mcp'
export const metadataPath = '/.well-known/oauth-protected-resource/mcp'
/** Parts of challenges, and whole ones without an error. */
export const metadata = `resource_metadata="https://api.example.com${metadataPath}"`
export const algs = 'algs="ES256 PS256"'
export const plainBearer = `Bearer ${metadata}`
export const plainDpop = `DPoP ${algs}, ${metadata}`
const exposed = ['WWW-Authenticate, DPoP-Nonce']
/** Fields of every error answer of ours; with a body, also its type. */
export const refused = { 'Cache-Control': ['no-store'], 'Access-Control-Expose-Headers': exposed }
export const refusedJson = { ...refused, 'Content-Type': ['application/json'] }

type Fields = NonNullable<ExactRequest['fields']>
type TwoFields = readonly [Fields[number], Fields[number]]

/** The field of a Bearer token. */
export function bearer(token: string): Fields {
  return [['Authorization', `Bearer ${token}`]]
}

/** A token bound to the key of the client. */
export function boundToken({ issuer, client }: ContractKit): string {
  return issuer.mintToken({ cnf: { jkt: client.jkt } })
}

/** What a proof differs in from a good one. */
export type ProofChanges = Partial<Parameters<DpopClient['proof']>[0]>

/** The fields of a request with a bound token and its proof. */
export function proven(kit: ContractKit, path: string, proof: ProofChanges = {}): TwoFields {
  return proofOf(kit, boundToken(kit), path, proof)
}

/** The fields of a request with this token and a proof. */
export function proofOf({ client }: ContractKit, token: string, path: string, proof: ProofChanges = {}): TwoFields {
  const dpop = client.proof({ url: `https://api.example.com${path}`, accessToken: token, ...proof })
  return [
    ['Authorization', `DPoP ${token}`],
    ['DPoP', dpop],
  ]
}

/** The challenges that call the token no good, on the scheme it came by. */
export function invalidToken(description: string, scheme: 'Bearer' | 'DPoP' = 'Bearer'): readonly string[] {
  const because = `${metadata}, error_description="${description}"`
  return scheme === 'Bearer'
    ? [`Bearer error="invalid_token", ${because}`, plainDpop]
    : [plainBearer, `DPoP error="invalid_token", ${algs}, ${because}`]
}

/** The challenge that calls the proof no good. */
export function badProof(description: string): readonly string[] {
  return [`DPoP error="invalid_dpop_proof", ${algs}, ${metadata}, error_description="${description}"`]
}
