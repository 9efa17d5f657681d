import { execFileSync } from 'node:child_process'
import { createResourceServer } from 'portcullis'
import { createDpopClient, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { asCurl, asIssue } from '../../../src/inspector/page/copied-text.js'
import { toRequestRow } from '../../../src/inspector/request-row.js'
import type { RequestRow } from '../../../src/inspector/wire.js'
import { insightOf } from '../../../src/resource-server/insight.js'

const issuer = createTestIssuer()
afterAll(() => issuer.close())
const resource = 'https://api.example.com'

/** The line of one request with a secret wherever a request may have one, and the secrets. */
async function secretive(): Promise<{ readonly row: RequestRow; readonly secrets: readonly string[] }> {
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
  const rows: Promise<RequestRow>[] = []
  insightOf(server)?.watch((judgement) => {
    rows.push(judgement.report().then((report) => toRequestRow(judgement, report, 0)))
  })
  const client = createDpopClient()
  const token = issuer.mintToken({ cnf: { jkt: client.jkt }, email: 'canary-claim' })
  const url = `${resource}/me/canary-path-0123456789abcdef`
  const fields = client.headers({ url, accessToken: token })
  const headers = { host: 'localhost:3000', cookie: 'sid=canary-cookie', ...fields }
  await server.authenticate(requestFacts({ url: '/me/canary-path-0123456789abcdef?code=canary-query', headers }), {
    scope: 'write',
  })
  const [row] = await Promise.all(rows)
  if (row === undefined) throw new Error('no row')
  return { row, secrets: ['canary-', token, ...token.split('.'), fields.dpop, fields.dpop.split('.')[2] as string] }
}

/** The arguments that a shell hands to `curl`. */
function argumentsOf(line: string): readonly string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\nTOKEN=the-token PROOF=the-proof\n${line}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

describe('a request that is copied from the development page', () => {
  it('is a line of curl without a secret: token and proof come from variables', async () => {
    const { row, secrets } = await secretive()
    const line = asCurl(row)
    expect(line).toBe(
      `curl -i 'http://localhost:3000/me/(masked)?code=…' -H "Authorization: DPoP $TOKEN" -H "DPoP: $PROOF"`,
    )
    for (const secret of secrets) expect([line, asIssue(row, [])].join('\n')).not.toContain(secret)
    expect(argumentsOf(line).slice(2)).toEqual(['-H', 'Authorization: DPoP the-token', '-H', 'DPoP: the-proof'])
  })

  it('hands curl every character as it is, and runs nothing of it', async () => {
    const { row } = await secretive()
    for (const text of [
      "it's",
      '$(touch /tmp/x)',
      '`id`',
      '"; id; "',
      "'; id; '",
      '\\',
      '$TOKEN',
      '!!',
      '-o /tmp/x',
      '*',
    ]) {
      const line = asCurl({ ...row, method: text, target: `/${text}` })
      expect(argumentsOf(line).slice(0, 4)).toEqual(['-i', '-X', text, `http://localhost:3000/${text}`])
    }
  })

  it('names the method where it is not GET, no token where none came, and the resource where no URL is known', async () => {
    const { row } = await secretive()
    const bearer = { ...row, hasProof: false, scheme: 'Bearer', target: '/me' }
    expect(asCurl({ ...bearer, method: 'POST' })).toBe(
      `curl -i -X 'POST' 'http://localhost:3000/me' -H "Authorization: Bearer $TOKEN"`,
    )
    expect(asCurl({ ...bearer, scheme: undefined })).toBe(`curl -i 'http://localhost:3000/me'`)
    expect(asCurl({ ...bearer, scheme: undefined, target: undefined })).toBe(`curl -i '${resource}'`)
  })

  it('is one block of text for an issue, which nothing that a sender wrote can end', async () => {
    const { row } = await secretive()
    const text = asIssue({ ...row, route: '```\n# heading', sentence: '````' }, [])
    expect(text.match(/```/g)).toHaveLength(2)
    expect(text.startsWith('```text\n')).toBe(true)
    expect(text.endsWith('\n```\n')).toBe(true)
  })
})
