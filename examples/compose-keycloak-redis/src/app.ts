import express, { type Express } from 'express'
import type { Redis } from 'ioredis'
import { createResourceServer } from 'portcullis'
import { nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'
import { portcullis } from 'portcullis/express'
import { keycloak } from 'portcullis/providers'
import { createRedisReplayStore, createRedisRevocationStore } from 'portcullis/redis'

/** What an instance of the API is made of. */
export interface AppOptions {
  readonly resource: string
  readonly issuer: string
  /** Where the keys are, if not where the issuer says: inside a container network it has another name. */
  readonly jwksUri?: string | undefined
  /** Hosts that may be `http`: for development only. */
  readonly insecureHosts?: readonly string[] | undefined
  /** What all instances share: notes, revocations and proofs that were seen. */
  readonly redis: Redis
}

/** An API where each user keeps notes. Any number of instances may run. */
export function createApp({ resource, issuer, jwksUri, insecureHosts, redis }: AppOptions): Express {
  const server = createResourceServer({
    resource,
    issuer: { ...keycloak({ issuer }), jwksUri, logoutAudience: 'notes-cli' },
    revocationStore: createRedisRevocationStore({ client: redis }),
    dpop: { replayStore: createRedisReplayStore({ client: redis }) },
    dangerouslyAllowInsecureHosts: insecureHosts,
  })
  const { metadata, requireToken } = portcullis(server)

  const app = express()
  app.use(metadata())

  app.get('/notes', requireToken({ scope: 'notes:read' }), async ({ auth }, res) => {
    res.json(await redis.lrange(`notes:${auth.subject}`, 0, -1))
  })

  app.post('/notes', requireToken({ scope: 'notes:write' }), express.json(), async (req, res) => {
    const text: unknown = req.body?.text
    if (typeof text !== 'string') {
      res.status(400).json({ error: 'A note is { "text": "…" }.' })
      return
    }
    await redis.rpush(`notes:${req.auth.subject}`, text)
    res.status(201).json({ text })
  })

  // Keycloak tells one instance that a session is over; the mark in Redis ends its tokens at all of them.
  app.post('/backchannel-logout', express.urlencoded({ extended: false }), async (req, res) => {
    sendNodeAnswer(res, await server.backchannelLogout(nodeRequestFacts(req)))
  })

  return app
}
