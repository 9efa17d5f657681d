import { passed, pick, refusal } from '../calls.js'
import { expectEqual } from '../report.js'
import type { Stage } from './stage.js'

/** The certificate of RFC 8705 Appendix A, as a proxy that ends TLS passes it on (RFC 9440). */
const certificate =
  ':MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=:'
const another = certificate.replace('MIIBBjCBrAIBAj', 'MIIBBjCBrAIBAz')

/** A token bound to a client certificate (RFC 8705). These steps stand in for the proxy before the API. */
export async function showCertificate({ report, api, authorizationServer, call }: Stage): Promise<void> {
  let accessToken = ''
  const send = (field: Record<string, string>) =>
    call('GET', '/api/machines', undefined, { authorization: `Bearer ${accessToken}`, ...field })

  await report.step('A token bound to a client certificate is refused without it, and with another one', async () => {
    const answer = await authorizationServer.getMachineToken({ resource: api.resource, certificate })
    accessToken = answer.access_token
    expectEqual('token_type', answer.token_type, 'Bearer')
    const without = await refusal('GET /api/machines', await send({}), 401, 'invalid_token')
    const stolen = await send({ 'client-cert': another })
    return [...without, ...(await refusal('with another certificate', stolen, 401, 'invalid_token'))]
  })

  await report.step('With the certificate it goes through', async () => {
    const claims = await passed(await send({ 'client-cert': certificate }))
    return ['GET /api/machines with Client-Cert: … from a trusted proxy → 200', JSON.stringify(pick(claims, ['cnf']))]
  })
}
