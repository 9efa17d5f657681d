/** What a page may load: scripts, pictures and data of this site, and nothing else. The browser enforces it. */
const sources = {
  'default-src': "'none'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'form-action': "'none'",
  'base-uri': "'none'",
}
const noConnection = "connect-src 'none'"

/**
 * The policy of a page. Styles may stand in the page: the colours of code do. Scripts may not, except the ones whose hashes
 * are given, and no text becomes a script.
 *
 * @param hashes - of the scripts that stand in the page itself.
 * @param connects - whether it may fetch from this site, which a page needs to find its way after the site was published anew.
 */
export function pagePolicy(hashes: readonly string[], connects: boolean): string {
  const scripts = ["'self'", ...hashes.map((hash) => `'sha256-${hash}'`)].join(' ')
  const listed = Object.entries({ ...sources, 'script-src': scripts }).map((directive) => directive.join(' '))
  return [...listed, connects ? "connect-src 'self'" : noConnection].join('; ')
}

/** Forbids a document every connection, also where it came from a page that may have some. */
export function keepInside(document: Document): void {
  const policies = [...document.head.querySelectorAll<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy"]')]
  if (policies.some(({ content }) => content.includes(noConnection))) return
  const meta = document.createElement('meta')
  meta.httpEquiv = 'Content-Security-Policy'
  meta.content = noConnection
  document.head.append(meta)
}
