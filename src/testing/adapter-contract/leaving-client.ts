import { AssertionError } from 'node:assert/strict'
import { connect } from 'node:net'

/** Sends a request with the token and leaves when its keys are asked for. Rejects where an answer comes before. */
export async function sendAndLeave(keysAreAsked: Promise<void>, origin: string, token: string): Promise<void> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  const tooEarly = new Promise<never>((_, reject) => {
    socket.once('error', reject)
    socket.once('data', () => reject(new AssertionError({ message: 'an answer came before the token was checked' })))
  })
  const isClosed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`GET /mail HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  try {
    await Promise.race([keysAreAsked, tooEarly])
  } finally {
    socket.destroy()
    await isClosed
  }
}
