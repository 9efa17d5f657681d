/*
 * Sends 200,000 distinct proofs of 1,000 recurring clients through the verifier and the memory replay store, a thousand
 * a second on a clock of its own, and prints what the heap holds at every step. Once the acceptance window is full the
 * figures must stay flat. Run: npm run build && node --expose-gc --import tsx bench/soak-replay.ts
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createDpopVerifier } from '../src/resource-server/binding/dpop-verifier.js'
import { createMemoryReplayStore } from '../src/stores/memory/memory-replay-store.js'

const total = 200_000
const perStep = 20_000
const perSecond = 1000
const clients = 1000
const resource = 'https://api.example.com'
const accessToken = 'header.payload.signature'
const tokenHash = createHash('sha256').update(accessToken).digest('base64url')

const time = { ms: 1_800_000_000_000 }
const clock = () => time.ms
const verifier = createDpopVerifier({
  algorithms: ['ES256'],
  maxAgeSeconds: 60,
  maxFutureSeconds: 10,
  nonce: undefined,
  targetOrigin: 'resource',
  pathPrefix: '',
  replayStore: createMemoryReplayStore({ clock }),
  dangerouslyAllowReplayWhenStoreFails: false,
  isTrustedProxy: () => false,
  clock,
  onEvent: undefined,
})

interface Client {
  readonly privateKey: KeyObject
  readonly headerSegment: string
  readonly jkt: string
}

function createClient(): Client {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = { crv, kty, x, y }
  const jkt = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')
  return { privateKey, headerSegment: encode({ typ: 'dpop+jwt', alg: 'ES256', jwk }), jkt }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function mint(client: Client, index: number): string {
  const claims = { jti: `proof ${index}`, htm: 'GET', htu: `${resource}/`, iat: time.ms / 1000, ath: tokenHash }
  const signingInput = `${client.headerSegment}.${encode(claims)}`
  const key = { key: client.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${signingInput}.${sign('sha256', Buffer.from(signingInput), key).toString('base64url')}`
}

async function verify(client: Client, proof: string): Promise<void> {
  const facts = { method: 'GET', url: '/', headerValues: (name: string) => (name === 'dpop' ? [proof] : []) }
  await verifier.verify({ facts, accessToken, tokenHash, jkt: client.jkt, resource })
}

function report(proofs: number, elapsedMs: number, steps: number): void {
  global.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const each = steps === 0 ? '-' : `${((elapsedMs / steps) * 1000).toFixed(1)} µs`
  console.log([proofs, mebibytes(heapUsed), mebibytes(rss), each].map((cell) => String(cell).padStart(12)).join(''))
}

if (global.gc === undefined) throw new Error('run with --expose-gc')
const all = Array.from({ length: clients }, createClient)
console.log(['proofs', 'heap', 'rss', 'per proof'].map((cell) => cell.padStart(12)).join(''))
report(0, 0, 0)
let elapsedMs = 0
for (let index = 0; index < total; index++) {
  time.ms += 1000 / perSecond
  const client = all[index % clients] as Client
  const proof = mint(client, index)
  const startedAt = performance.now()
  await verify(client, proof)
  elapsedMs += performance.now() - startedAt
  if ((index + 1) % perStep === 0) {
    report(index + 1, elapsedMs, perStep)
    elapsedMs = 0
  }
}
