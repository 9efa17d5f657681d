import type { RequestListener, Server } from 'node:http'
import type { ExactResponse } from 'portcullis/adapter-testing'
import request from 'supertest'

/** Sends a request as a user's own test would, by supertest. Tells repeated fields of the answer apart. */
export async function ask(app: Server | RequestListener, path: string, token?: string): Promise<ExactResponse> {
  const { status, text, res } = (await request(app)
    .get(path)
    .set(token === undefined ? {} : { Authorization: `Bearer ${token}` })) as request.Response & {
    readonly res: { readonly headersDistinct: Readonly<Record<string, readonly string[]>> }
  }
  return { status, body: text, fields: (name) => [...(res.headersDistinct[name.toLowerCase()] ?? [])] }
}
