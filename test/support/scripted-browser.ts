import { request } from 'node:http'

/** An answer with its fields as they came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** In order, as sent. */
  readonly setCookies: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a {@link ScriptedBrowser} sends besides its cookies. */
export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A browser as far as logins need one: cookies by origin, redirects by hand, no page. */
export interface ScriptedBrowser {
  /** The cookies of an origin. */
  cookiesOf(url: string): Map<string, string>
  /** One request, as a person who goes there sends it. */
  go(url: string, sent?: Sent): Promise<RawAnswer>
  /** Goes there and follows redirects until there is none, or until `stop` says so. Where it got to, and what it got. */
  follow(url: string, stop?: (url: string) => boolean): Promise<{ readonly url: string; readonly answer: RawAnswer }>
  /** A request that a script of a page of the same origin sends. */
  fetch(url: string, sent?: Sent): Promise<RawAnswer>
}

const navigation = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

/** Makes a browser for whom the public origins of `hosts` are at other addresses, as behind a proxy that ends TLS. */
export function createBrowser(hosts: Readonly<Record<string, string>> = {}): ScriptedBrowser {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string) => {
    const { origin } = new URL(url)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }

  async function send(url: string, { method = 'GET', headers = {}, body }: Sent): Promise<RawAnswer> {
    const { origin, pathname, search } = new URL(url)
    const jar = jarOf(url)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const own = cookie === '' ? {} : { cookie }
    const answer = await rawRequest((hosts[origin] ?? origin) + pathname + search, {
      method,
      headers: { ...own, ...headers },
      ...(body === undefined ? {} : { body }),
    })
    for (const line of answer.setCookies) keep(jar, line)
    return answer
  }

  const go: ScriptedBrowser['go'] = (url, { headers = {}, ...rest } = {}) =>
    send(url, { headers: { ...navigation, ...headers }, ...rest })

  return {
    cookiesOf: jarOf,
    go,
    async follow(url, stop = () => false) {
      let here = url
      for (let hop = 0; hop < 15; hop += 1) {
        if (stop(here)) return { url: here, answer: { status: 0, setCookies: [], headers: {}, body: '' } }
        const answer = await go(here)
        const { location } = answer.headers
        if (location === undefined) return { url: here, answer }
        here = new URL(location, here).href
      }
      throw new Error('too many redirects')
    },
    fetch: (url, { headers = {}, method = 'GET', ...rest } = {}) => {
      const origin = method === 'GET' ? {} : { origin: new URL(url).origin }
      const own = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin', ...origin }
      return send(url, { method, headers: { ...own, ...headers }, ...rest })
    },
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';')
  const at = pair.indexOf('=')
  if (/; Max-Age=0(;|$)/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(pair.slice(0, at))
  else jar.set(pair.slice(0, at), pair.slice(at + 1))
}

function rawRequest(url: string, { method = 'GET', headers = {}, body = '' }: Sent): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { 'set-cookie': setCookies = [], ...fields } = response.headers
        const joined = Object.entries(fields).map(([name, value]) => [name, String(value)])
        resolve({
          status: response.statusCode ?? 0,
          setCookies,
          headers: Object.fromEntries(joined),
          body: Buffer.concat(chunks).toString(),
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
