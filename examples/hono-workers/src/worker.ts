import type { Hono } from 'hono'
import { createResourceServer } from 'portcullis'
import { createApp } from './app.js'

/** The variables of wrangler.jsonc. */
interface Environment {
  readonly RESOURCE: string
  readonly ISSUER: string
  /** `1` accepts an authorization server on your own machine. */
  readonly DEVELOPMENT?: string
}

// Made with the first request, since the variables are known then, and kept: it remembers keys and verified tokens.
let app: Hono | undefined

export default {
  fetch(request: Request, { RESOURCE, ISSUER, DEVELOPMENT }: Environment): Response | Promise<Response> {
    app ??= createApp(
      createResourceServer({ resource: RESOURCE, issuer: ISSUER, allowInsecureLoopback: DEVELOPMENT === '1' }),
    )
    return app.fetch(request)
  },
}
