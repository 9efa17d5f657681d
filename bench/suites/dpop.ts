import {
  boundPeers,
  hashOf,
  joseProofs,
  limitBound,
  limitProofs,
  type ProofVerifier,
  portcullisBound,
  portcullisProofs,
  type TokenFacts,
} from '../contenders/proof-verifiers.js'
import { bearerMiddlewareVerifier, type TokenVerifier } from '../contenders/token-verifiers.js'
import { aroundCheck } from '../measure/around-check.js'
import { type Contender, compare, named, speedRatio } from '../measure/compare.js'
import { pairedRatio } from '../measure/statistics.js'
import { createBenchIssuer, mintToken } from '../set-up/issuer.js'
import { type BoundClient, boundRequest, createBoundClient } from '../set-up/proofs.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'
import type { Suite } from './suite.js'
import { tableOf } from './tokens.js'

/** DPoP proofs, of clients seen before and of new ones, alone and together with their tokens. */
export const dpop: Suite = async ({ pace }) => {
  const issuer = createBenchIssuer()
  const clients = createClients(issuer)
  const alone = await compare(
    [
      proofContender(limitProofs(), clients),
      proofContender(portcullisProofs(), clients),
      proofContender(await joseProofs(), clients),
      newClientContender(limitProofs('limit, new client'), () => createBoundClient(issuer)),
      newClientContender(portcullisProofs('portcullis, new client'), () => createBoundClient(issuer)),
      newClientContender({ ...(await joseProofs()), name: 'jose, new client' }, () => createBoundClient(issuer)),
    ],
    pace,
  )
  const unbound = [requestWith(mintToken(issuer, 'RS256'))]
  const tokenAlone = await bearerMiddlewareVerifier(issuer, 'RS256')
  const both = await compare(
    [
      ...knownTokens(issuer, clients),
      boundContender(limitBound(issuer, 0, 'limit'), clients),
      boundContender(portcullisBound(issuer, 0, 'portcullis, cache off'), clients),
      ...(await boundPeers(issuer)).map((verifier) => boundContender(verifier, clients)),
      { name: bearerAlone, isAsync: true, run: () => tokenAlone.verify(unbound[0] as BenchRequest) },
    ],
    pace,
  )
  const proofOfPeer = named(both, 'express-oauth2-jwt-bearer').rounds.map(
    (micros, round) => micros - (named(both, bearerAlone).rounds[round] as number),
  )
  const toPeer = pairedRatio([median(proofOfPeer)], [named(alone, 'portcullis').spread.median])
  const toLimit = speedRatio(alone, 'portcullis', 'limit')
  const cachedToLimit = speedRatio(both, 'portcullis, token cached', knownLimit)
  return {
    tables: [
      tableOf('dpop-proof', 'DPoP proof, ES256', alone, 'limit'),
      tableOf('dpop-both', 'RS256 token with its DPoP proof', both, 'limit'),
      tableOf('dpop-around', 'The same without the check of the signature', aroundCheck('proof', pace), knownLimit),
    ],
    verdicts: [
      { target: 'DPoP proof of a known client, to the limit', figure: toLimit.median, unit: '×', atLeast: 0.9 },
      {
        target: 'DPoP proof of a known client, to express-oauth2-jwt-bearer (with its token, less the token)',
        figure: toPeer.median,
        unit: '×',
        atLeast: 4,
      },
      {
        target: 'DPoP proof of a new client, to jose',
        figure: speedRatio(alone, 'portcullis, new client', 'jose, new client').median,
        unit: '×',
        atLeast: 1,
      },
      { target: 'Cached token with proof, to its limit', figure: cachedToLimit.median, unit: '×', atLeast: 0.9 },
    ],
  }
}

/** Clients that come again. */
export function createClients(issuer: ReturnType<typeof createBenchIssuer>): readonly BoundClient[] {
  return Array.from({ length: 50 }, () => createBoundClient(issuer))
}

const knownLimit = 'limit, token cached'

/** Tokens seen before, each time with a new proof. */
export function knownTokens(
  issuer: ReturnType<typeof createBenchIssuer>,
  clients: readonly BoundClient[],
): readonly Contender[] {
  const verifiers = [limitBound(issuer, 1000, knownLimit), portcullisBound(issuer, 1000, 'portcullis, token cached')]
  return verifiers.map((verifier) => boundContender(verifier, clients))
}

const bearerAlone = 'express-oauth2-jwt-bearer, token alone'

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

/** Every turn takes a proof made beforehand, outside of the measured time: none may be used twice. */
function proofContender(verifier: ProofVerifier, clients: readonly BoundClient[]): Contender {
  const tokens = clients.map(({ client, token }): TokenFacts => ({ tokenHash: hashOf(token), jkt: client.jkt }))
  let requests: readonly BenchRequest[] = []
  let next = 0
  return {
    name: verifier.name,
    isAsync: verifier.isAsync,
    prepare(turns) {
      requests = Array.from({ length: turns }, (_, turn) => boundRequest(clients[turn % clients.length] as BoundClient))
      next = 0
    },
    run: () => {
      const turn = next++
      return verifier.verify(requests[turn] as BenchRequest, tokens[turn % tokens.length] as TokenFacts)
    },
  }
}

function newClientContender(verifier: ProofVerifier, create: () => BoundClient): Contender {
  let requests: readonly (readonly [BenchRequest, TokenFacts])[] = []
  let next = 0
  return {
    name: verifier.name,
    isAsync: verifier.isAsync,
    maxTurns: 40,
    prepare(turns) {
      requests = Array.from({ length: turns }, () => {
        const one = create()
        return [boundRequest(one), { tokenHash: hashOf(one.token), jkt: one.client.jkt }] as const
      })
      next = 0
    },
    run: () => verifier.verify(...(requests[next++] as readonly [BenchRequest, TokenFacts])),
  }
}

function boundContender(verifier: TokenVerifier, clients: readonly BoundClient[]): Contender {
  const proofs = proofContender({ ...verifier, verify: (request) => verifier.verify(request) }, clients)
  return { ...proofs, name: verifier.name }
}
