/* Sends load in a process of its own, by autocannon, and tells its parent what came of it. */
import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto'
import { hashOf } from '../contenders/proof-verifiers.js'
import { createDpopClient, peer, signCompact } from '../package-under-test.js'
import type { Load, LoadResult } from './protocol.js'

interface Result {
  readonly '2xx': number
  readonly non2xx: number
  readonly errors: number
  readonly requests: { readonly average: number }
  readonly latency: { readonly p50: number; readonly p99: number }
}

type Request = { headers?: Record<string, string> }
type Autocannon = (options: Record<string, unknown>) => Promise<Result>

const { default: autocannon } = await peer<{ default: Autocannon }>('autocannon')

async function send(load: Load): Promise<LoadResult> {
  const { url, seconds, amount } = load
  const setupRequest = withCredentials(load)
  const letSleep = stayAwake()
  const result = await autocannon({ url, duration: seconds, amount, connections: 10, requests: [{ setupRequest }] })
  letSleep()
  return {
    answered: result['2xx'],
    failed: result.non2xx + result.errors,
    perSecond: result.requests.average,
    latencyMs: { p50: result.latency.p50, p99: result.latency.p99 },
  }
}

/**
 * Keeps this process from sleeping until the returned function is called. The server that answers a sleeping process on
 * its machine pays for waking it: the faster a server, the less this happens, and the cheaper its answers would seem.
 */
function stayAwake(): () => void {
  let isAwake = true
  const turn = (): void => {
    if (isAwake) setImmediate(turn)
  }
  turn()
  return () => {
    isAwake = false
  }
}

function withCredentials({ url, tokens, areCookies, proofKeys, order }: Load): (request: Request) => Request {
  const signers = proofKeys?.map((key, index) => proofSigner(key, url, tokens[index] as string))
  let turn = 0
  return (request) => {
    const index = order === 'in turn' ? turn++ % tokens.length : Math.floor(Math.random() * tokens.length)
    const token = tokens[index] as string
    const signer = signers?.[index]
    const credentials = areCookies === true ? { cookie: token } : authorizationOf(token, signer)
    return { ...request, headers: { ...request.headers, ...credentials } }
  }
}

function authorizationOf(token: string, signer: (() => string) | undefined): Record<string, string> {
  return signer === undefined
    ? { authorization: `Bearer ${token}` }
    : { authorization: `DPoP ${token}`, dpop: signer() }
}

function proofSigner(jwk: JsonWebKey, url: string, token: string): () => string {
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  const publicKey = createPublicKey(privateKey)
  const { kty, crv, x, y } = jwk
  const key = { ...createDpopClient().key, privateKey, publicKey }
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  const ath = hashOf(token)
  return () => {
    const iat = Math.floor(Date.now() / 1000)
    return signCompact({ header, payload: { jti: crypto.randomUUID(), htm: 'GET', htu: url, iat, ath }, key })
  }
}

process.on('message', (load) => {
  void send(load as Load).then((result) => process.send?.(result))
})
process.once('disconnect', () => process.exit(0))
