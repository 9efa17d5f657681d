import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose'
import { type Configuration, type DPoPHandle, getDPoPHandle, modifyAssertion, randomDPoPKeyPair } from 'openid-client'
import { sha256Base64url } from '#crypto'
import type { Clock } from '../../kit/clock.js'
import { isStringArray, type JsonObject } from '../../kit/json.js'
import type { DpopKeyPair } from '../client-options.js'
import { algorithmsOfCryptoKey } from '../credentials/signer.js'
import { DiscoveryError } from '../errors.js'

/** A request to a resource server that a proof is for. @group DPoP */
export interface DpopProofRequest {
  readonly method: string
  /** The whole URL; query and fragment are left out of the proof. */
  readonly url: string
  /** The token sent beside the proof. */
  readonly accessToken: string
  /** The newest nonce of that resource server, where it gave one. Never one of the authorization server. */
  readonly nonce?: string | undefined
}

/** The DPoP key of a client, for use at resource servers (RFC 9449 §7). @group DPoP */
export interface DpopProofs {
  /** The thumbprint of the key (RFC 7638): what `cnf.jkt` of its tokens says. */
  thumbprint(): Promise<string>
  /** A fresh proof for one request; a retry needs another one. */
  proof(request: DpopProofRequest): Promise<string>
}

/** What a server is to the client: the one that issues tokens, or the one that takes them, as for userinfo. */
type DpopRole = 'authorization' | 'resource'

/** The DPoP key of one client, and the nonces the authorization server gave it in each role. */
export interface Dpop {
  /** The handle for requests to the authorization server. */
  handle(config: Configuration, server: JsonObject, role: DpopRole): Promise<DPoPHandle>
  /** `server` tells which algorithms a generated key may have. */
  proofs(server: () => Promise<JsonObject>): DpopProofs
}

const preferred = ['ES256', 'Ed25519', 'PS256', 'EdDSA', 'RS256'] as const

/** Makes the key at first use, and keeps one handle per role: it holds the newest nonce per origin (RFC 9449 §8.2, §9). */
export function createDpop(dpop: true | DpopKeyPair, clock: Clock): Dpop {
  let generated: Promise<DpopKeyPair> | undefined
  const handles = new Map<DpopRole, DPoPHandle>()
  const issuedAt = (): number => Math.floor(clock() / 1000)

  function keyPair(server: JsonObject): Promise<DpopKeyPair> {
    generated ??= typeof dpop === 'object' ? Promise.resolve(dpop) : randomDPoPKeyPair(chooseAlgorithm(server))
    return generated
  }

  return {
    async handle(config, server, role) {
      const pair = await keyPair(server)
      const handle =
        handles.get(role) ??
        getDPoPHandle(config, pair, {
          [modifyAssertion]: (_header, payload) => {
            payload['iat'] = issuedAt()
          },
        })
      handles.set(role, handle)
      return handle
    },
    proofs(server) {
      let known: ProofKey | undefined
      const key = async (): Promise<ProofKey> => (known ??= await describeKey(await keyPair(await server())))
      return {
        thumbprint: async () => (await key()).thumbprint,
        proof: async (request) => signProof(await key(), request, issuedAt()),
      }
    },
  }
}

/** @throws {@link DiscoveryError} `ERR_DISCOVERY_INVALID` when the server lists its algorithms as anything but a list. */
function chooseAlgorithm(server: JsonObject): string {
  const listed = server['dpop_signing_alg_values_supported'] ?? preferred
  if (isStringArray(listed)) return preferred.find((name) => listed.includes(name)) ?? 'ES256'
  throw new DiscoveryError('ERR_DISCOVERY_INVALID', {
    message: '`dpop_signing_alg_values_supported` in the metadata of the authorization server is no list of names',
  })
}

/** A key pair with what every proof says of it. */
interface ProofKey {
  readonly privateKey: CryptoKey
  readonly header: { readonly typ: string; readonly alg: string; readonly jwk: JWK }
  readonly thumbprint: string
}

async function describeKey({ privateKey, publicKey }: DpopKeyPair): Promise<ProofKey> {
  const jwk: JWK = await exportJWK(publicKey)
  const [alg] = algorithmsOfCryptoKey(privateKey)
  const header = { typ: 'dpop+jwt', alg: alg as string, jwk }
  return { privateKey, header, thumbprint: await calculateJwkThumbprint(jwk) }
}

async function signProof(key: ProofKey, request: DpopProofRequest, iat: number): Promise<string> {
  const { method, url, accessToken, nonce } = request
  const { origin, pathname } = new URL(url)
  const ath = await sha256Base64url(accessToken)
  const claims = { htm: method, htu: `${origin}${pathname}`, iat, jti: crypto.randomUUID(), ath }
  return new SignJWT(nonce === undefined ? claims : { ...claims, nonce })
    .setProtectedHeader(key.header)
    .sign(key.privateKey)
}
