import { createResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const resource = 'https://api.example.com'
const base = 'https://login.test/'

describe('an issuer in a live set that knows tenants by a pattern', () => {
  it.each(['', 'a b', 'x?y', 'x#y', 'x\u0000', 'é', '\ud800', '\\..\\x', '"', 'x\r\nHost: evil.test', '%zz<script>'])(
    '[JWT-05] [ADP-08] is refused where it is no issuer identifier, and nobody asked: %j',
    async (path) => {
      const clock = createFrozenClock()
      const issuer = createTestIssuer({ issuer: `${base}good`, clock: clock.now, audience: resource })
      const asked: string[] = []
      const server = createResourceServer({
        resource,
        issuer: (name) => {
          asked.push(name)
          return {}
        },
        tenants: { has: (name) => name.startsWith(base) || name === '' || name.endsWith('@login.test/good') },
        fetch: issuer.fetch,
        clock: clock.now,
      })
      const call = async (iss: string) => {
        const authorization = `Bearer ${issuer.mintToken({ iss })}`
        const result = await server.authenticate(requestFacts({ headers: { authorization } }))
        return result.ok ? 'ok' : `${result.answer.status} ${result.error.code}`
      }
      for (const iss of path === '' ? ['', 'https://u:p@login.test/good'] : [base + path]) {
        expect(await call(iss)).toBe('401 ERR_TOKEN_ISSUER')
      }
      expect(asked).toEqual([])
      expect(await call(issuer.issuer)).toBe('ok')
    },
  )
})
