import express, { type Express } from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** A customer, whose users sign in at an authorization server of the customer's own. */
export interface Tenant {
  readonly name: string
  /** What this authorization server writes into `aud`. */
  readonly audience: string
}

/** What the API is made of. */
export interface AppOptions {
  readonly resource: string
  /** The customers by issuer. Change it while the API runs: a removal counts at once. */
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly allowInsecureLoopback?: boolean
}

/** An API for several customers. Each sees the projects of its own alone. */
export function createApp({ resource, tenants, allowInsecureLoopback = false }: AppOptions): Express {
  const server = createResourceServer({
    resource,
    tenants, // the complete allow-list: a token cannot name a server of its own choice
    issuer: (issuer) => {
      const tenant = tenants.get(issuer)
      return tenant && { audience: tenant.audience }
    },
    allowInsecureLoopback,
  })
  const { requireToken } = portcullis(server)
  const projects = new Map<string, { name: string; owner: string }[]>()

  const app = express()

  app.get('/projects', requireToken({ scope: 'projects:read' }), ({ auth }, res) => {
    res.json({ tenant: tenants.get(auth.issuer)?.name, projects: projects.get(auth.issuer) ?? [] })
  })

  // Two customers may both have a user `1`: keep everything under the issuer, never under the subject alone.
  app.put('/projects/:name', requireToken({ scope: 'projects:write' }), ({ auth, params }, res) => {
    const project = { name: params.name, owner: auth.subject }
    projects.set(auth.issuer, [...(projects.get(auth.issuer) ?? []), project])
    res.status(201).json(project)
  })

  return app
}
