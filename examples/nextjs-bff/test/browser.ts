import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What a browser shows after it followed all redirects. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly text: string
}

/** What it sends. */
interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * As much of a browser as a login needs: cookies, redirects and forms. It is not made of `fetch`, which says `Sec-Fetch-Mode: cors`:
 * a login tells scripts where to sign in, and redirects pages alone.
 */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()
  /** The `Set-Cookie` fields that a host has sent. */
  readonly received: { readonly host: string; readonly field: string }[] = []

  async open(address: string | URL, sent: Sent = {}): Promise<Page> {
    let url = new URL(address)
    let next = sent
    for (let hop = 0; hop < 10; hop += 1) {
      const { method = 'GET', body } = next
      const outgoing = request(url, { method, headers: this.#headers(url, next) }).end(body)
      const [incoming] = await once(outgoing, 'response')
      this.#keep(url.host, incoming.headers['set-cookie'] ?? [])
      const page = { url, status: incoming.statusCode, text: await text(incoming) }
      const { location } = incoming.headers
      if (location === undefined) return page
      url = new URL(location, url)
      next = { headers: sent.headers ?? {} } // a redirect is followed by GET
    }
    throw new Error('too many redirects')
  }

  /** Fills in the form of a page and sends it. */
  async submit(page: Page, values: Record<string, string> = {}): Promise<Page> {
    const [, action = ''] = /<form[^>]* action="([^"]*)"/.exec(page.text) ?? []
    const fields = new URLSearchParams(values)
    for (const [input] of page.text.matchAll(/<input[^>]*>/g)) {
      const [, name] = / name="([^"]*)"/.exec(input) ?? []
      const [, value] = / value="([^"]*)"/.exec(input) ?? []
      if (name !== undefined && value !== undefined) fields.set(name, value)
    }
    const target = new URL(action.replaceAll('&amp;', '&'), page.url)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: page.url.origin }
    return this.open(target, { method: 'POST', body: fields.toString(), headers })
  }

  #headers(url: URL, { headers }: Sent): Record<string, string> {
    const cookies = [...(this.#cookies.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`)
    return { accept: 'text/html', ...headers, ...(cookies.length > 0 && { cookie: cookies.join('; ') }) }
  }

  #keep(host: string, fields: readonly string[]): void {
    const cookies = this.#cookies.get(host) ?? new Map<string, string>()
    this.#cookies.set(host, cookies)
    for (const field of fields) {
      this.received.push({ host, field })
      const [pair = ''] = field.split(';')
      const [name = '', ...value] = pair.split('=')
      if (value.join('=') === '') cookies.delete(name)
      else cookies.set(name, value.join('='))
    }
  }
}
