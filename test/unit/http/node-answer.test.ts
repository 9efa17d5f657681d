import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { sendNodeAnswer, setNodeHeaders } from '../../../src/http/node-answer.js'

async function responseOf(
  listener: RequestListener,
  method = 'GET',
): Promise<Response & { text: () => Promise<string> }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { method })
    const text = await response.text()
    return Object.assign(response, { text: async () => text })
  } finally {
    server.close()
  }
}

const refusal = {
  status: 401,
  headers: { 'WWW-Authenticate': ['Bearer a', 'DPoP b'], 'Cache-Control': 'no-store' },
  body: '{"error":"invalid_token"}',
}

describe('sendNodeAnswer', () => {
  it('[ADP-02] [ADP-03] sends the answer and keeps what the application set', async () => {
    const response = await responseOf((_req, res) => {
      res.setHeader('Access-Control-Allow-Origin', 'https://app.example')
      res.setHeader('WWW-Authenticate', 'Basic realm="x"')
      res.setHeader('Cache-Control', 'public')
      sendNodeAnswer(res, refusal)
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="x", Bearer a, DPoP b')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-length')).toBe(String(refusal.body.length))
    expect(await response.text()).toBe(refusal.body)
  })

  it('[ADP-06] sends no body to HEAD', async () => {
    const response = await responseOf((_req, res) => sendNodeAnswer(res, refusal), 'HEAD')
    expect(response.status).toBe(401)
    expect(await response.text()).toBe('')
  })

  it('[ADP-08] leaves an answer alone that is under way', async () => {
    const response = await responseOf((_req, res) => {
      res.write('begun')
      sendNodeAnswer(res, refusal)
      setNodeHeaders(res, refusal.headers)
      res.end()
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.text()).toBe('begun')
  })
})
