import { X509Certificate } from 'node:crypto'
import { ConfigurationError } from '../errors/index.js'
import { anything, checkOptions } from '../kit/options.js'

/** Options of {@link caFetch}. @group Native login */
export interface CaFetchOptions {
  /** The certificates that are trusted, as PEM: one text or several, each with one certificate or more. */
  readonly ca: string | readonly string[]
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/**
 * Makes a `fetch` for servers whose certificates come from a private authority: for the option `fetch` of clients,
 * providers, resource servers and `createAuthenticatedFetch`. It trusts `ca` and nothing else, neither the authorities that
 * Node knows nor `NODE_EXTRA_CA_CERTS`; for these too add `tls.rootCertificates`. Names and times of certificates are checked
 * as always.
 *
 * Works as `fetch` does, by `undici`, which is loaded with the first request. Reads no proxy from the environment. A
 * `Request` or a `FormData` is read into memory before it is sent. Answers are those of `undici`: no instances of the
 * platform's `Response`. Make it once: it keeps connections open for a while, which do not keep the process alive.
 *
 * @throws {@link ConfigurationError} for a `ca` that holds no certificate, or one that cannot be read.
 * @group Native login
 */
export function caFetch(options: CaFetchOptions): typeof globalThis.fetch {
  checkOptions('caFetch', options, { ca: anything })
  const ca = [options.ca].flat().flatMap(readCertificates)
  if (ca.length === 0) throw unreadable()
  let loading: Promise<typeof globalThis.fetch> | undefined
  return async (input, init) => {
    loading ??= load(ca)
    const fetch = await loading
    return fetch(...(await plain(input, init)))
  }
}

async function load(ca: readonly string[]): Promise<typeof globalThis.fetch> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect: { ca: [...ca] } })
  return ((url: string, init: object) => fetch(url, { ...init, dispatcher })) as unknown as typeof globalThis.fetch
}

type Call = Parameters<typeof globalThis.fetch>

/** `undici` knows neither the `Request` nor the `FormData` of the platform. */
async function plain(input: Call[0], init: Call[1]): Promise<Call> {
  if (!(input instanceof Request || init?.body instanceof FormData)) return [String(input), init]
  const request = new Request(input, init)
  const { url, method, redirect, signal } = request
  const headers = [...request.headers]
  return [url, { method, redirect, signal, headers, body: request.body && (await request.arrayBuffer()) }]
}

function readCertificates(text: string): readonly string[] {
  const blocks = typeof text === 'string' ? text.match(pemBlock) : null
  if (blocks === null) throw unreadable()
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch {
      throw unreadable()
    }
  }
  return blocks
}

function unreadable(): ConfigurationError {
  return new ConfigurationError('`ca` takes certificates as PEM, which begin with -----BEGIN CERTIFICATE-----.')
}
