import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, normalize, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

/** What `npm run site` built. */
export const built = resolve(import.meta.dirname, '../../docs/.vitepress/dist')

/** Where the site was built to stand. Without it, it was built for the root of any host. */
export const address: string | undefined = process.env['SITE_URL']?.replace(/(?<=.)\/*$/, '/') || undefined

/** The path of that. */
export const base = new URL(address ?? 'http://localhost/').pathname

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** The paths of all pages, below `base`. */
export function pagePaths(): string[] {
  const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
  const pages = files.filter((file) => file.endsWith('.html') && file !== '404.html')
  return pages.map((file) => `/${file.replace(/(?:(?<=^|\/)index)?\.html$/, '')}`).sort()
}

/** The file that a static host answers a path with: itself, the page of that name, or the index of a folder. */
export function fileOf(path: string): string | undefined {
  if (!path.startsWith(base)) return undefined
  const asked = join(built, normalize(decodeURIComponent(path.slice(base.length))))
  const candidates = [asked, `${asked}.html`, join(asked, 'index.html')]
  return candidates.find((file) => file.startsWith(built) && existsSync(file) && statSync(file).isFile())
}

/** Serves the built files as a static host does: compressed, and with a lifetime for files whose names hold a hash. */
export async function serveSite(): Promise<LoopbackServer> {
  const compressed = new Map<string, Buffer>()
  const server = await listenOnLoopback((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const found = fileOf(pathname)
    const file = found ?? join(built, '404.html')
    const body = compressed.get(file) ?? gzipSync(readFileSync(file))
    compressed.set(file, body)
    response.writeHead(found === undefined ? 404 : 200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-encoding': 'gzip',
      'cache-control': pathname.startsWith(`${base}assets/`) ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
    response.end(body)
  })
  return { ...server, origin: server.origin + base.replace(/\/$/, '') }
}
