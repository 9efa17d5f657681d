/** What the page may load: its own scripts and pictures, and nothing by a connection. The browser enforces it. */
const name = 'Content-Security-Policy'
const sources = {
  'default-src': "'none'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'none'",
  'form-action': "'none'",
  'base-uri': "'none'",
}

/**
 * The policy. VitePress makes the functions of the configuration anew in each page, such as how the search takes words
 * apart: hence `unsafe-eval`. Scripts that somebody puts into the page stay forbidden.
 *
 * @param hashes - of the scripts that stand in the page itself.
 */
export function pagePolicy(hashes: readonly string[] = []): string {
  const scripts = ["'self'", "'unsafe-eval'", ...hashes.map((hash) => `'sha256-${hash}'`)].join(' ')
  return Object.entries({ ...sources, 'script-src': scripts })
    .map(([directive, value]) => `${directive} ${value}`)
    .join('; ')
}

/** Puts the policy into a document that came from another page of the site. The page as it is served has it already. */
export function keepInside(document: Document): void {
  if (document.head.querySelector(`meta[http-equiv="${name}"]`) !== null) return
  const meta = document.createElement('meta')
  meta.httpEquiv = name
  meta.content = pagePolicy()
  document.head.append(meta)
}
