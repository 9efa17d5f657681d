import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clientErrorTraits } from '../../../src/errors/client-codes.js'
import { type ClientErrorCode, errorDescriptions } from '../../../src/errors/index.js'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const)
    .filter(([heading]) => heading.startsWith('ERR_')),
)

const clientTexts = Object.entries(clientErrorTraits).map(([code, { message }]) => [code, message] as const)
const texts = { ...errorDescriptions, ...Object.fromEntries(clientTexts) }

/** What each family of codes answers, and of a code of the client what it is; the classes are held to the same by their own test. */
function answerOf(code: string): string {
  const traits = clientErrorTraits[code as ClientErrorCode]
  if (traits) return `\`${traits.category}\`, ${traits.retryable ? 'retryable' : 'not retryable'}`
  if (code === 'ERR_TOKEN_MISSING') return '401, no `error`'
  if (code === 'ERR_PROOF_NONCE') return '401, `use_dpop_nonce`'
  if (code === 'ERR_STEP_UP_REQUIRED') return '401, `insufficient_user_authentication`'
  if (/^ERR_TOKEN_STORE_(UNAVAILABLE|LOCKED)$/.test(code)) return '503, no challenge, `Retry-After`'
  if (code.startsWith('ERR_TOKEN_STORE_')) return '503, no challenge'
  if (code.startsWith('ERR_REQUEST_')) return '400, `invalid_request`'
  if (code.startsWith('ERR_TOKEN_')) return '401, `invalid_token`'
  if (code.startsWith('ERR_PROOF_')) return '401, `invalid_dpop_proof`'
  if (/^ERR_(SCOPE|AUTHORIZATION)_/.test(code)) return '403, `insufficient_scope`'
  if (/^ERR_(ROLE|CLAIM|ORIGIN|HOST)_/.test(code)) return '403, no challenge'
  if (code.endsWith('_UNAVAILABLE')) return '503, no challenge, `Retry-After`'
  if (code === 'ERR_GRANT_DENIED') return '403, no challenge'
  if (code === 'ERR_GRANT_REFUSED') return '502, no challenge'
  return '500, no challenge'
}

describe('docs/errors.md', () => {
  it('has one section for every code, in the order of the source, and no other', () => {
    expect([...sections.keys()]).toEqual(Object.keys(texts))
  })

  it.each(Object.entries(texts))('tells the answer, the text and the cure of %s', (code, text) => {
    const section = sections.get(code)
    expect(section).toContain(`${answerOf(code)}: “${text}”`)
    expect(section).toMatch(/\n\*What to do:\* \S/)
  })
})
