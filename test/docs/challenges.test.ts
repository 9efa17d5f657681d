import { createResourceServer, type Requirement } from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { codeBlocks, read } from './markdown.js'

const resource = 'https://api.example.com'
const issuer = createTestIssuer({ issuer: 'https://login.example.com', audience: resource })
const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
afterAll(() => issuer.close())

async function answerTo(requirement: Requirement, scope: string | undefined) {
  const headers = { authorization: `Bearer ${issuer.mintToken({ scope })}` }
  const result = await server.authenticate(requestFacts({ headers }), requirement)
  if (result.ok) throw new Error('let through')
  const [challenge = ''] = [result.answer.headers['WWW-Authenticate'] ?? ''].flat()
  return { status: result.answer.status, challenge }
}

const nested: Requirement = {
  scope: { all: ['profile', { any: ['mail:read', ['calendar:read', 'calendar:list']] }] },
}

describe('the answers shown in docs', () => {
  it.each<[page: string, requirement: Requirement, scope: string]>([
    ['docs/scopes.md', nested, ''],
    ['docs/step-up.md', { scope: 'pay', acr: ['phr', 'mfa'], maxAgeSeconds: 300 }, 'accounts'],
    ['docs/rich-authorization.md', { authorizationDetails: { payment_initiation: () => true } }, ''],
  ])('of %s are the very ones the server gives', async (page, requirement, scope) => {
    const shown = codeBlocks(page).filter(({ language }) => language === 'http')
    const { status, challenge } = await answerTo(requirement, scope)
    expect(shown).toHaveLength(1)
    expect(shown[0]?.code).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(shown[0]?.code).toContain(`WWW-Authenticate: ${challenge}\n`)
  })

  it('[C-33] of docs/scopes.md name the scopes its table says', async () => {
    const rows = [...read('docs/scopes.md').matchAll(/^\| (?:none|`([^`]+)`) \| `([^`]+)` \|$/gm)]
    expect(rows).toHaveLength(4)
    for (const [, scope = '', needed] of rows) {
      expect((await answerTo(nested, scope)).challenge, scope).toContain(`scope="${needed}"`)
    }
  })
})
