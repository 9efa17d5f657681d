/** A browser in short: cookies, redirects, and forms somebody fills in. */
export interface Browser {
  /**
   * Follows redirects from `url` until one leads below `target`, and gives that. A page on the way must have a form:
   * `answers` are put into it.
   */
  follow(url: string | URL, target: string, answers?: Readonly<Record<string, string>>): Promise<URL>
  /** Loads one page, following redirects. With `answers`, forms are filled in, and the first page without one counts. Gives its status. */
  visit(url: string | URL, answers?: Readonly<Record<string, string>>): Promise<number>
}

/** Opens a browser without cookies. */
export function openBrowser(): Browser {
  const cookies = new Map<string, string>()

  async function load(url: URL, form?: URLSearchParams): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = form === undefined ? {} : { method: 'POST', body: form }
    const headers = { accept: 'text/html', cookie }
    const response = await fetch(url, { redirect: 'manual', headers, ...sent })
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
    return response
  }

  /** Goes on until `target` is named, which is not loaded, or else until there is a page where nothing can be done. */
  async function walk(start: string | URL, target: string | undefined, answers?: Readonly<Record<string, string>>) {
    let url = new URL(start)
    let response = await load(url)
    for (let step = 0; step < 15; step += 1) {
      const location = response.headers.get('location')
      const page = location === null ? await response.text() : ''
      const action = answers && /<form[^>]*\saction="([^"]+)"/.exec(page)?.[1]
      if (location === null && action === undefined) {
        if (target === undefined) return { url, status: response.status }
        throw new Error(`${response.status} without a form at ${url}:\n${page.slice(0, 2000)}`)
      }
      await response.body?.cancel().catch(() => undefined)
      url = new URL(location ?? String(action).replaceAll('&amp;', '&'), url)
      if (target !== undefined && url.href.startsWith(target)) return { url, status: 0 }
      response = await load(
        url,
        location === null ? new URLSearchParams({ ...hiddenFields(page), ...answers }) : undefined,
      )
    }
    throw new Error(`too many steps from ${start}; the last was ${url}`)
  }

  return {
    follow: async (url, target, answers = {}) => (await walk(url, target, answers)).url,
    visit: async (url, answers) => (await walk(url, undefined, answers)).status,
  }
}

function hiddenFields(page: string): Record<string, string> {
  const inputs = page.match(/<input[^>]*type="hidden"[^>]*>/g) ?? []
  const attribute = (input: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(input)?.[1] ?? ''
  return Object.fromEntries(inputs.map((input) => [attribute(input, 'name'), attribute(input, 'value')]))
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';')
  const equals = pair.indexOf('=')
  const value = pair.slice(equals + 1)
  if (value === '' || /;\s*max-age=0/i.test(line)) cookies.delete(pair.slice(0, equals))
  else cookies.set(pair.slice(0, equals), value)
}
