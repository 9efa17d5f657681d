/** What `web-runtime.test.ts` runs: a guarded handler, where there are the web's globals alone. */
import { portcullis } from '../../adapters/fetch/index.js'
import { createResourceServer, type Fetch } from '../../src/index.js'

/** What the test hands over. */
export interface Given {
  readonly issuer: string
  readonly resource: string
  /** The documents of the issuer, by URL. */
  readonly documents: Readonly<Record<string, unknown>>
  readonly requests: readonly { url: string; headers?: Record<string, string> }[]
}

/** What became of one request. */
export interface Answer {
  readonly status: number
  readonly challenge: string | null
  readonly body: string
}

/** Sends the requests to a guarded handler. */
export async function run({ issuer, resource, documents, requests }: Given): Promise<Answer[]> {
  const fetch: Fetch = async (url) => {
    const document = documents[url]
    return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
  }
  const gate = portcullis(createResourceServer({ issuer, resource, fetch }))
  const handle = gate.withAuth({ scope: 'read' }, (_request, auth) => Response.json([auth.subject, auth.scheme]))

  const answers: Answer[] = []
  for (const { url, headers = {} } of requests) {
    const request = new Request(url, { headers })
    const response = (await gate.metadata(request)) ?? (await handle(request))
    const challenge = response.headers.get('WWW-Authenticate')
    answers.push({ status: response.status, challenge, body: await response.text() })
  }
  return answers
}
