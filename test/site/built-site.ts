import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

/** The folder that VitePress builds into. */
export const siteFolder = join(import.meta.dirname, '../../docs/.vitepress/dist')

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Serves the built site as a static host does: `/page` is `page.html`. */
export async function serveSite(): Promise<LoopbackServer> {
  return await listenOnLoopback((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://site.test').pathname))
    const file = [path, `${path}.html`, join(path, 'index.html')]
      .map((name) => join(siteFolder, name))
      .find((name) => name.startsWith(siteFolder) && existsSync(name) && statSync(name).isFile())
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': mediaTypes[extname(file ?? '.html')] })
    response.end(file === undefined ? undefined : readFileSync(file))
  })
}
