import type { RequestFacts } from '../http/request-facts.js'

/** A request in short, for {@link requestFacts}. @group Testing */
export interface RequestDescription
  extends Partial<Omit<RequestFacts, 'headerValues' | 'clientCertificate' | 'formBody'>> {
  /** A value that is an array becomes one field per item, as a client sending the field repeatedly would. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** The DER bytes of the client certificate. */
  readonly clientCertificate?: Uint8Array | undefined
  /** The parsed form body. */
  readonly formBody?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Builds the facts of one request, to call a server without any framework. Field names are matched in any case.
 *
 * @param request - `method` defaults to GET, `url` to `/`.
 * @example
 * ```ts
 * const facts = requestFacts({ url: '/me', headers: { authorization: `Bearer ${issuer.mintToken()}` } })
 * const twice = requestFacts({ headers: { dpop: [proof, proof] } })
 * ```
 * @group Testing
 */
export function requestFacts(request: RequestDescription = {}): RequestFacts {
  const { headers = {}, clientCertificate, formBody, ...facts } = request
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat()]))
  return {
    ...facts,
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headerValues: (name) => fields.get(name) ?? [],
    clientCertificate: () => clientCertificate,
    formBody: () => formBody,
  }
}
