import type { DpopClient, TestIssuer } from '../../src/testing/index.js'
import { createDpopClient } from '../package-under-test.js'
import { audience, mintToken } from './issuer.js'
import { type BenchRequest, requestWith } from './requests.js'

/** A client with a DPoP key and a token bound to it. */
export interface BoundClient {
  readonly client: DpopClient
  readonly token: string
}

export const target = `${audience}/me`

export function createBoundClient(issuer: TestIssuer): BoundClient {
  const client = createDpopClient()
  return { client, token: mintToken(issuer, 'RS256', { cnf: { jkt: client.jkt } }) }
}

/** A request with a fresh proof, for one use. */
export function boundRequest({ client, token }: BoundClient): BenchRequest {
  return requestWith(token, client.proof({ url: target, accessToken: token }))
}
