import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, join, normalize, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

/** What `npm run site` built. */
export const built = resolve(import.meta.dirname, '../../docs/.vitepress/dist')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** The file that a static host answers a path with: itself, the page of that name, or the index of a folder. */
function fileOf(path: string): string | undefined {
  const asked = join(built, normalize(decodeURIComponent(path)))
  const candidates = [asked, `${asked}.html`, join(asked, 'index.html')]
  return candidates.find((file) => file.startsWith(built) && existsSync(file) && statSync(file).isFile())
}

/** Serves the built files as a static host does: compressed, and with a lifetime for files whose names hold a hash. */
export async function serveSite(): Promise<LoopbackServer> {
  return await listenOnLoopback((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const file = fileOf(pathname)
    const body = gzipSync(readFileSync(file ?? join(built, '404.html')))
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': types[extname(file ?? '.html')] ?? 'application/octet-stream',
      'content-encoding': 'gzip',
      'cache-control': pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
    response.end(body)
  })
}
