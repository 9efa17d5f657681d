import * as client from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

const parts = ['client', 'client-credentials', 'client-logins', 'client-errors']
const page = parts.map((part) => read(`docs/${part}.md`)).join('')

describe('the pages of the client', () => {
  it('[S4-37] lists every code of the client with its category, in the order of the source, and no other', () => {
    const rows = [...page.matchAll(/^\| `(ERR_\w+)` \| (\w+) \| (yes|no) \| (.+) \|$/gm)].map((row) => row.slice(1))
    const expected = Object.entries(client.clientErrorTraits).map(([code, { category, retryable, message }]) => [
      code,
      category,
      retryable ? 'yes' : 'no',
      message,
    ])
    expect(rows).toEqual(expected)
  })

  it('names every error class and every credential there is', () => {
    const classes = Object.entries(client).filter(([name]) => /^[A-Z]\w+Error$/.test(name))
    expect(classes.length).toBeGreaterThan(10)
    for (const [name] of classes) expect(page, name).toContain(`\`${name}\``)
    const credentials = [
      'clientSecretBasic',
      'clientSecretPost',
      'privateKeyJwt',
      'federatedAssertion',
      'tlsClientAuth',
      'publicClient',
      'perIssuer',
      'fromEnvironment',
    ]
    for (const name of credentials) {
      expect(client).toHaveProperty(name)
      expect(page).toContain(`\`${name}({`)
    }
  })

  it('names every function of a client', () => {
    const made = client.createOAuthClient({
      issuer: 'https://as.example',
      credential: client.publicClient({ clientId: 'app' }),
    })
    const functions = Object.entries(made).filter(([, member]) => typeof member === 'function')
    for (const [name] of functions) expect(page, name).toMatch(new RegExp(`\\b${name}\\b`))
  })
})
