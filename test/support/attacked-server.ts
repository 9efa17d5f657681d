import { type Auth, createResourceServer, type ResourceServerOptions } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts, type TestIssuerOptions } from 'portcullis/testing'

/** The resource every attack is on. */
export const resource = 'https://api.example.com'

/** A resource server with an issuer, a clock that stands still, and a record of what was fetched. */
export function createAttackedServer(
  options: Partial<ResourceServerOptions> = {},
  issuerOptions: TestIssuerOptions = {},
) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource, ...issuerOptions })
  const fetched: string[] = []
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: (url, init) => {
      fetched.push(url)
      return issuer.fetch(url, init)
    },
    clock: clock.now,
    ...options,
  })
  const authenticate = (token: string) =>
    server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
  /** `ok`, or the status and the code of the refusal. */
  const call = async (token: string): Promise<string> => {
    const result = await authenticate(token)
    return result.ok ? 'ok' : `${result.answer.status} ${result.error.code}`
  }
  /** What a token that is let through says; throws for any other. */
  const admit = async (token: string): Promise<Auth> => {
    const result = await authenticate(token)
    if (result.ok) return result.auth
    throw result.error
  }
  return { clock, issuer, server, fetched, call, admit }
}
