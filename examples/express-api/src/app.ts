import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** An API where each user keeps notes. `server` says whose tokens it accepts. */
export function createApp(server: ResourceServer): Express {
  const { metadata, requireToken, optionalToken } = portcullis(server)
  const notes = new Map<string, string[]>()

  const app = express()
  app.use(metadata())

  app.get('/hello', optionalToken(), (req, res) => {
    res.json({ hello: req.auth?.subject ?? 'stranger' })
  })

  app.get('/notes', requireToken({ scope: 'notes:read' }), (req, res) => {
    res.json(notes.get(req.auth.subject) ?? [])
  })

  // The guard comes first: who has no token cannot make the server read a body.
  app.post('/notes', requireToken({ scope: 'notes:write' }), express.json(), (req, res) => {
    const text: unknown = req.body?.text
    if (typeof text !== 'string') {
      res.status(400).json({ error: 'A note is { "text": "…" }.' })
      return
    }
    const { subject } = req.auth
    notes.set(subject, [...(notes.get(subject) ?? []), text])
    res.status(201).json({ text })
  })

  return app
}
