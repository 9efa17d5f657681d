import { request as sendRequest } from 'node:http'

/** A request byte for byte: fields go out in this order, as often as they are named. */
export interface ExactRequest {
  /** Default GET. */
  readonly method?: string
  readonly path: string
  readonly fields?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

/** A response as it came over the wire. */
export interface ExactResponse {
  readonly status: number
  /** The values of a field, one per occurrence, whatever case its name came in. */
  fields(name: string): readonly string[]
  readonly body: string
}

/** Sends one request over a connection of its own. `origin` is an http URL without a path. */
export function exchange(origin: string, request: ExactRequest): Promise<ExactResponse> {
  const { method, path, fields = [], body = '' } = request
  const { hostname, port, host } = new URL(origin)
  const headers = [['Host', host], ['Connection', 'close'], ...fields].flat()
  if (body !== '') headers.push('Content-Length', String(Buffer.byteLength(body)))
  return new Promise((resolve, reject) => {
    const sent = sendRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { rawHeaders } = response
        resolve({
          status: response.statusCode ?? 0,
          fields: (name) =>
            rawHeaders.filter(
              (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
            ),
          body: Buffer.concat(chunks).toString(),
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
