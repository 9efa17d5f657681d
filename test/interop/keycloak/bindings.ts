import { createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient, readChallenges, readStepUp, tlsClientAuth } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { keycloak as preset } from 'portcullis/providers'
import { createDpopClient } from 'portcullis/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { requestToken } from '../../../examples/support/sign-in.js'
import { createCertificate } from '../../support/certificates.js'
import { fetchWith } from '../api.js'
import { openBrowser } from '../browser.js'
import { alice } from '../login.js'
import type { World } from './world.js'

/** Step-up, and tokens bound to a key or a certificate. */
export function describeBindings(world: () => World): void {
  let secondsAhead = 0
  beforeAll(() => {
    const { orders, keycloak } = world()
    const clock = () => Date.now() + secondsAhead * 1000
    const server = createResourceServer({ resource: orders.origin, issuer: preset(keycloak), clock })
    const { requireToken } = portcullis(server)
    orders.app.get('/gold', requireToken({ acr: 'gold' }), (req, res) => void res.json({ acr: req.auth.claims['acr'] }))
    orders.app.get('/recent', requireToken({ maxAgeSeconds: 120 }), (_req, res) => void res.send())
    orders.app.get(
      '/bound',
      requireToken(),
      (req, res) => void res.json({ ...req.auth.confirmation, scheme: req.auth.scheme }),
    )
  })
  const statusOf = async (path: string, headers: object, send = fetch) => {
    const response = await send(`${world().orders.origin}${path}`, { headers: { ...headers } })
    await response.body?.cancel()
    return response.status
  }

  describe('step-up', () => {
    const call = (path: string, token: string) =>
      fetch(`${world().orders.origin}${path}`, { headers: { authorization: `Bearer ${token}` } })

    it('[STEP-01] [STEP-02] is asked for, done in the same browser, and lets the user in', async () => {
      const browser = openBrowser()
      const { accessToken: silver } = await world().browserTokens('web', { acrValues: ['silver'], browser })
      const refused = await call('/gold', silver)
      expect(refused.status).toBe(401)
      const asked = readStepUp(readChallenges(refused.headers))
      expect(asked?.acrValues).toEqual(['gold'])
      const { accessToken: gold } = await world().browserTokens('web', { acrValues: ['gold'], browser })
      const accepted = await call('/gold', gold)
      expect(accepted.status).toBe(200)
      expect(await accepted.json()).toEqual({ acr: 'gold' })
    })

    it('says nothing of service accounts: their tokens name the lowest level as well', async () => {
      const token = await world().serviceToken('by-secret')
      expect((await world().serverOf().verify(token, { acr: 'silver' })).isClientToken).toBe(true)
    })

    it('[STEP-04] judges the age of the sign-in', async () => {
      const { accessToken: token } = await world().browserTokens('web')
      expect((await call('/recent', token)).status).toBe(200)
      secondsAhead = 240
      const refused = await call('/recent', token)
      secondsAhead = 0
      expect(refused.status).toBe(401)
      expect(readStepUp(readChallenges(refused.headers))?.maxAgeSeconds).toBe(120)
    })
  })

  describe('tokens bound to a key', () => {
    const mobile = async (dpop: ReturnType<typeof createDpopClient>) => {
      const endpoint = `${world().keycloak.issuer}/protocol/openid-connect/token`
      return requestToken(endpoint, { grant_type: 'password', client_id: 'mobile', ...alice }, dpop)
    }

    it('[DPOP-11] pass with a proof, whatever else the server puts into cnf', async () => {
      const dpop = createDpopClient()
      const { access_token: accessToken, token_type: type } = await mobile(dpop)
      expect(type).toBe('DPoP')
      const url = `${world().orders.origin}/bound`
      const response = await fetch(url, { headers: { ...dpop.headers({ url, accessToken }) } })
      expect(await response.json()).toMatchObject({ jkt: dpop.jkt, scheme: 'DPoP' })
    })

    it('[DPOP-13] [DPOP-15] are refused as Bearer, with the proof of another key, and with a proof used before', async () => {
      const dpop = createDpopClient()
      const { access_token: accessToken } = await mobile(dpop)
      const url = `${world().orders.origin}/bound`
      const headers = dpop.headers({ url, accessToken })
      expect(await statusOf('/bound', { authorization: `Bearer ${accessToken}` })).toBe(401)
      expect(await statusOf('/bound', createDpopClient().headers({ url, accessToken }))).toBe(401)
      expect(await statusOf('/bound', headers)).toBe(200)
      expect(await statusOf('/bound', headers)).toBe(401)
    })

    it('[DPOP-C3] come to the client of this library, with proofs for its requests', async () => {
      await using client = createOAuthClient({
        issuer: world().keycloak.issuer,
        credential: clientSecretBasic({ clientId: 'by-secret', clientSecret: 'service-secret' }),
        dpop: true,
      })
      const { accessToken, tokenType } = await client.clientCredentials()
      expect(tokenType).toBe('DPoP')
      const proof = await client.dpop?.proof({ method: 'GET', url: `${world().orders.origin}/bound`, accessToken })
      expect(await statusOf('/bound', { authorization: `DPoP ${accessToken}`, dpop: proof })).toBe(200)
    })
  })

  describe('tokens bound to a certificate', () => {
    it('[MTLS-01] [MTLS-03] pass with that certificate alone', async () => {
      const { certificate, keycloak } = world()
      await using client = createOAuthClient({
        issuer: keycloak.issuer,
        credential: tlsClientAuth({ clientId: 'by-certificate' }),
        fetch: fetchWith(certificate),
      })
      const { accessToken } = await client.clientCredentials()
      const headers = { authorization: `Bearer ${accessToken}` }
      expect(await statusOf('/bound', headers, fetchWith(certificate))).toBe(200)
      expect(await statusOf('/bound', headers)).toBe(401)
      expect(await statusOf('/bound', headers, fetchWith(await createCertificate('by-certificate')))).toBe(401)
    })
  })
}
