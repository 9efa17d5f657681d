import { type ClientHttp2Session, connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'
import { expect, it } from 'vitest'

it('[ADP-01] [ADP-02] counts repeated fields and sends several challenges over HTTP/2', async () => {
  const seen: (readonly string[])[] = []
  const server = createServer((request, response) => {
    const facts = nodeRequestFacts(request)
    seen.push(facts.headerValues('dpop'), facts.headerValues('authorization'), [facts.method, facts.url])
    sendNodeAnswer(response, {
      status: 401,
      headers: { 'WWW-Authenticate': ['Bearer a="b"', 'DPoP c="d"'] },
      body: 'no',
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    const challenges = await wwwAuthenticate(session)
    expect(challenges).toBe('Bearer a="b", DPoP c="d"')
    expect(seen).toEqual([['p', 'q'], ['Bearer t'], ['GET', '/me?x=1']])
  } finally {
    session.close()
    server.close()
  }
})

function wwwAuthenticate(session: ClientHttp2Session): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/me?x=1', authorization: 'Bearer t', dpop: ['p', 'q'] })
    stream.on('response', (headers) => resolve(headers['www-authenticate']))
    stream.on('error', reject)
    stream.resume()
  })
}
