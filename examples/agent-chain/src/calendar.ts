import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { sight } from './sight.js'

/** The API at the end of the chain. It knows nothing of agents: it verifies a token, as for any other caller. */
export function createCalendar(server: ResourceServer): Express {
  const { metadata, requireToken } = portcullis(server)
  const app = express()
  app.use(metadata())
  app.get('/events', requireToken({ scope: 'calendar:read' }), ({ auth }, res) => {
    res.json(sight(auth))
  })
  return app
}
