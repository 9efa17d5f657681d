/*
 * The answers of the login's routes: redirects, JSON, pages. No script, no token, everything escaped.
 */
import { encodeBase64url } from '#crypto'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { callAtOnce } from '../../kit/call-application.js'

/** What every answer of a route says. */
const fields = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }

/** Cookies to set, as fields. */
export type Cookies = readonly string[]

function withCookies(headers: HttpAnswer['headers'], cookies: Cookies): HttpAnswer['headers'] {
  return cookies.length === 0 ? headers : { ...headers, 'Set-Cookie': cookies }
}

/** 303, so that no browser sends a form again to where it goes (RFC 9700 §4.12). */
export function redirectAnswer(url: string, cookies: Cookies = []): HttpAnswer {
  const headers = { ...fields, 'Referrer-Policy': 'no-referrer', Location: url }
  return { status: 303, headers: withCookies(headers, cookies), body: '' }
}

/** An answer for programs. */
export function jsonAnswer(
  status: number,
  body: object,
  cookies: Cookies = [],
  further: HttpAnswer['headers'] = {},
): HttpAnswer {
  const headers = {
    ...fields,
    'Referrer-Policy': 'no-referrer',
    'Content-Type': 'application/json',
    ...further,
  }
  return { status, headers: withCookies(headers, cookies), body: JSON.stringify(body) }
}

/** A page of a login, for those who lay it out themselves. @group Web login */
export interface LoginPage {
  /** `providers`: a list to choose from; `logout`: a button to sign out; `error`: what went wrong, and a way on. */
  readonly kind: 'providers' | 'logout' | 'error'
  readonly status: number
  /** The heading, as HTML. */
  readonly title: string
  /** What stands below it, as HTML: nothing in it needs to be escaped again. */
  readonly main: string
  /** For your `<style nonce="…">`. Nothing else may style the page, and nothing may load or run. */
  readonly nonce: string
}

/** What stands on a page. `main` is HTML: whatever comes from outside goes through {@link escapeHtml} first. */
interface PageContent extends Pick<LoginPage, 'kind'> {
  readonly title: string
  readonly main: string
  /**
   * Whether the page has a form whose answer leads to the provider. Browsers hold such redirects to `form-action`, and where
   * the provider sends the user from there is not known here.
   */
  readonly formLeadsOut?: boolean | undefined
}

const style = `:root{color-scheme:light dark;background:Canvas;color:CanvasText}body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh}main{max-width:26rem;padding:2rem}h1{font-size:1.375rem;margin:0 0 1rem}ul{list-style:none;padding:0}a.b,button{display:block;box-sizing:border-box;width:100%;margin:.5rem 0;padding:.75rem 1rem;border:1px solid;border-radius:.5rem;font:inherit;text-align:center;text-decoration:none;color:inherit;background:none;cursor:pointer}a.b:hover,button:hover,a.b:focus-visible,button:focus-visible{outline:3px solid Highlight;outline-offset:2px}code{font-size:.875rem}`

/** An answer for people: one plain page that loads nothing. */
export function pageAnswer(
  status: number,
  { kind, title, main, formLeadsOut = false }: PageContent,
  cookies: Cookies = [],
  further: HttpAnswer['headers'] = {},
): HttpAnswer {
  const nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(16)))
  const policy = ["default-src 'none'", `style-src 'nonce-${nonce}'`, "frame-ancestors 'none'", "base-uri 'none'"]
  const headers = {
    ...fields,
    // A form says where it comes from only where the policy lets it: `Origin` is `null` under `no-referrer`.
    'Referrer-Policy': formLeadsOut ? 'same-origin' : 'no-referrer',
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [...policy, ...(formLeadsOut ? [] : ["form-action 'self'"])].join('; '),
    ...further,
  }
  const page = { kind, status, title: escapeHtml(title), main, nonce }
  const answer = { status, headers: withCookies(headers, cookies), body: layout(page) }
  pages.set(answer, page)
  return answer
}

/** What the answers show that are pages. */
const pages = new WeakMap<HttpAnswer, LoginPage>()

/** The answer, laid out as the application wants it where it is a page. */
export function laidOut(answer: HttpAnswer, theirs: ((page: LoginPage) => string) | undefined): HttpAnswer {
  const page = pages.get(answer)
  if (theirs === undefined || page === undefined) return answer
  return { ...answer, body: callAtOnce('pages', () => theirs(page)) }
}

function layout({ title, main, nonce }: LoginPage): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style nonce="${nonce}">${style}</style>
<main>
<h1>${title}</h1>
${main}
</main>
</html>
`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML, within elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] as string)
}

/** Whether a person reads the answer. */
export function wantsPage(facts: RequestFacts): boolean {
  return facts.headerValues('accept').some((accept) => accept.toLowerCase().includes('text/html'))
}

/** Whether the browser goes to a new page, by a click or an address, and shows it. Fetched ahead of time it is not. */
export function isNavigation(facts: RequestFacts): boolean {
  const first = (name: string) => facts.headerValues(name)[0]
  const isAhead = ['sec-purpose', 'purpose'].some((name) => first(name)?.includes('prefetch'))
  if (facts.method !== 'GET' || isAhead || first('next-router-prefetch') !== undefined) return false
  const mode = first('sec-fetch-mode')
  return mode === undefined ? wantsPage(facts) : mode === 'navigate'
}

/**
 * Whether a page of the application itself sent the request. `strict` wants proof; otherwise what says nothing passes, as
 * no browser of today is that silent.
 */
export function isSameOrigin(facts: RequestFacts, origin: string, strict: boolean): boolean {
  const [from] = facts.headerValues('origin')
  const [site] = facts.headerValues('sec-fetch-site')
  if (from !== undefined && from !== 'null') return from === origin
  if (site !== undefined) return site === 'same-origin'
  return !strict && from === undefined
}
