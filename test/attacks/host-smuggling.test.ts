import { describe, expect, it } from 'vitest'
import { accessToken, createProofSigner, dpopVerifier, nowSeconds, refusalOf } from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

const signer = await createProofSigner()
const stolen = await signer.sign({ claims: { htu: 'https://api.example.com/harmless' } })

type TargetOrigin = 'resource' | 'connection' | 'forwarded' | 'x-forwarded'

/** What becomes of a proof for /harmless that somebody else sends along to /admin. */
function outcome(targetOrigin: TargetOrigin, fields: Record<string, string>, url = '/admin') {
  const verifier = dpopVerifier({ targetOrigin, isTrustedProxy: () => true, clock: () => nowSeconds * 1000 })
  const headers = { host: 'api.example.com', ...fields, dpop: stolen }
  const facts = requestFacts({ url, headers, secure: true, remoteAddress: '10.0.0.1' })
  return refusalOf(() => verifier.verify({ facts, accessToken, jkt: signer.jkt, resource: 'https://api.example.com' }))
}

describe('a path smuggled into the origin of a request', () => {
  const paths = ['/harmless?', '/harmless#', '/harmless/..?x', '/harmless?/', '\\harmless?', '/harmless?@']

  it.each(paths)('[DPOP-06] [DPOP-08] does not pass for the path in Host: %s', async (path) => {
    expect(await outcome('connection', { host: `api.example.com${path}` })).toMatchObject({ code: 'ERR_PROOF_TARGET' })
  })

  it.each(paths)('[DPOP-06] [DPOP-08] nor in a forwarding field: %s', async (path) => {
    const host = `api.example.com${path}`
    const refused = { code: 'ERR_PROOF_TARGET' }
    expect(await outcome('x-forwarded', { 'x-forwarded-host': host })).toMatchObject(refused)
    expect(await outcome('x-forwarded', { 'x-forwarded-proto': `https://${host}` })).toMatchObject(refused)
    expect(await outcome('forwarded', { forwarded: `host="${host}"` })).toMatchObject(refused)
    expect(await outcome('forwarded', { forwarded: `proto="https://${host}"` })).toMatchObject(refused)
  })

  it('[DPOP-06] nor in an absolute request target', async () => {
    const refused = { code: 'ERR_PROOF_TARGET' }
    expect(await outcome('connection', {}, 'https://api.example.com?/harmless')).toMatchObject(refused)
    for (const after of ['\\admin', ':admin', '%2eadmin', ';admin', '@admin', ' admin', '|admin']) {
      expect(await outcome('resource', {}, `https://api.example.com${after}/harmless`), after).toMatchObject(refused)
    }
    expect(await outcome('connection', {}, 'https://x@api.example.com/harmless')).toMatchObject(refused)
  })
})
