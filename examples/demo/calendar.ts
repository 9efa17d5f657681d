import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** The scope of its route. */
export const calendarScope = 'events:read'

/** Another service: it trusts the same authorization server, and takes no token but those meant for it. */
export function calendarService(resource: string, issuer: string): express.Express {
  const server = createResourceServer({ resource, issuer, allowInsecureLoopback: true })
  const { requireToken } = portcullis(server)

  const app = express()
  app.get('/calendar/events', requireToken({ scope: calendarScope }), ({ auth }, res) => {
    res.json({ events: [], of: auth.subject, act: auth.actor })
  })
  return app
}
