import { unstable_startWorker as startWorker } from 'wrangler'

/** Runs the Worker in workerd, on this machine, with an authorization server on this machine. */
export function startLocally(options: { readonly resource: string; readonly issuer: string; readonly port?: number }) {
  const { resource, issuer, port = 0 } = options
  return startWorker({
    config: 'wrangler.jsonc',
    bindings: {
      RESOURCE: { type: 'plain_text', value: resource },
      ISSUER: { type: 'plain_text', value: issuer },
      DEVELOPMENT: { type: 'plain_text', value: '1' },
    },
    dev: { server: { hostname: '127.0.0.1', port }, inspector: false, logLevel: 'error', watch: false },
  })
}
