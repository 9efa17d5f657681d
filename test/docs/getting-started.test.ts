import { createResourceServer } from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { codeBlocks } from './markdown.js'

describe('docs/getting-started.md', () => {
  it('shows the very answer that a request without a token gets', async () => {
    const server = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://login.example.com' })
    const result = await server.authenticate(requestFacts(), { scope: 'profile' })
    if (result.ok) throw new Error('let through')
    const shown = codeBlocks('docs/getting-started.md').find(({ language }) => language === 'http')?.code ?? ''
    const fields = shown.trim().split('\n').slice(1)
    const sent = Object.entries(result.answer.headers).flatMap(([name, value]) =>
      [value].flat().map((one) => `${name}: ${one}`),
    )
    expect(shown).toContain(`HTTP/1.1 ${result.answer.status} `)
    expect(sent).toEqual(expect.arrayContaining(fields))
    expect(fields.length).toBe(3)
  })

  it('shows a test that lets its request through', async () => {
    await using issuer = createTestIssuer()
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: issuer.issuer,
      fetch: issuer.fetch,
    })
    const token = issuer.mintToken({ scope: 'profile' })
    const request = requestFacts({ headers: { authorization: `Bearer ${token}` } })
    expect((await server.authenticate(request, { scope: 'profile' })).ok).toBe(true)
    expect((await server.authenticate(request, { scope: 'other' })).ok).toBe(false)
  })
})
