import { type BearerMethod, createResourceServer } from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer({ audience: 'https://api.example.com' })
const token = issuer.mintToken()
afterAll(() => issuer.close())

const ways = ['header', 'body', 'query'] as const
const choices: readonly (readonly BearerMethod[])[] = [
  [],
  ['header'],
  ['body'],
  ['query'],
  ['header', 'body'],
  ['header', 'query'],
  ['body', 'query'],
  ways,
]

/** A form POST that carries the token by each of `used`. */
function send(used: readonly BearerMethod[]) {
  return requestFacts({
    method: 'POST',
    url: used.includes('query') ? `/?access_token=${token}` : '/',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(used.includes('header') && { authorization: `Bearer ${token}` }),
    },
    formBody: used.includes('body') ? { access_token: token } : {},
  })
}

describe('a token sent by several ways', () => {
  it.each(choices.filter((choice) => choice.includes('header')).map((bearerMethods) => ({ bearerMethods })))(
    '[REAL-10] [C-01] [C-02] [C-03] is refused where two of them are enabled, and any other way is ignored: $bearerMethods',
    async ({ bearerMethods }) => {
      const { fetch } = issuer
      const server = createResourceServer({
        resource: { resource: 'https://api.example.com', bearerMethods },
        issuer: issuer.issuer,
        fetch,
      })
      for (const used of choices) {
        const counted = used.filter((way) => bearerMethods.includes(way)).length
        const result = await server.authenticate(send(used))
        const outcome = result.ok ? 'ok' : `${result.answer.status} ${result.error.code}`
        const expected = ['401 ERR_TOKEN_MISSING', 'ok'][counted] ?? '400 ERR_REQUEST_AMBIGUOUS'
        expect(outcome, `${used} sent, ${bearerMethods} enabled`).toBe(expected)
      }
    },
  )
})
