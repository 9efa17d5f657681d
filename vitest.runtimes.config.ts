import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { packageTests } from './test/runtimes/package-tests.js'
import { compatibility } from './test/runtimes/run-in-workerd.js'
import base from './vitest.config.js'

/** Without the projects: these files are named below. */
const { projects: _, ...shared } = base.test ?? {}
const root = import.meta.dirname
const { RUNTIME: runtime = 'node', CONSUMER: consumer = '' } = process.env
const { all, web } = packageTests(root)
const inWorker = runtime === 'workerd'
const own = (name: string) => join(root, 'test', 'runtimes', name)

interface Resolver {
  resolve(id: string, from: string, options: object): unknown
}

/** The package as it was installed from its tarball, and on Bun and Deno their own servers. */
const installed = {
  name: 'installed',
  enforce: 'pre' as const,
  resolveId(this: Resolver, id: string) {
    if (/^(portcullis|cockatiel)(\/|$)/.test(id))
      return this.resolve(id, `${consumer}/package.json`, { skipSelf: true })
    return /^(bun|deno)/.test(runtime) && id.endsWith('/serve-fetch.js') ? own('serve-native.ts') : undefined
  },
  // Vite asks no plugin for modules of Node.
  transform(code: string, id: string) {
    const crypto = own('node-crypto-in-worker.ts')
    return inWorker && id !== crypto ? code.replaceAll(/(['"])node:crypto\1/g, JSON.stringify(crypto)) : undefined
  },
}

async function workers(): Promise<readonly unknown[]> {
  const pool = '@cloudflare/vitest-pool-workers'
  const { cloudflareTest } = await import(own(`node_modules/${pool}/dist/pool/index.mjs`))
  const { date: compatibilityDate, flags: compatibilityFlags } = compatibility
  return [cloudflareTest({ miniflare: { compatibilityDate, compatibilityFlags } })]
}

/** Tests against the package as users install it, on one runtime: `npm run runtimes`, see docs/runtimes.md. */
export default defineConfig({
  plugins: [...(base.plugins ?? []), installed, ...(inWorker ? await workers() : [])] as never,
  test: {
    ...shared,
    include: [...(inWorker ? web : all)],
    setupFiles: inWorker ? [] : [own('load-first.ts')],
    // Bun, Deno and workerd take long to start, and some take long for a key.
    isolate: false,
    testTimeout: 120_000,
    maxWorkers: inWorker ? 1 : 2,
    // Bun finds another module by this name than Vite expects.
    server: { deps: { inline: ['zod'] } },
  },
})
