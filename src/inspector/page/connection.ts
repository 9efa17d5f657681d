/** The stream from the server, taken up again whenever it ends. */
import type { Row, State } from '../wire.js'

/** What comes. */
export interface Listener {
  rows(rows: readonly Row[]): void
  dropped(count: number): void
  state(state: State): void
  /** The server is another one than before. */
  restarted(): void
  status(text: string, isGood: boolean): void
}

const reconnectMs = 1000
const refusedMs = 10_000

/** A request to the server, with the token. */
export function ask(token: string, what: string, init: RequestInit = {}): Promise<Response> {
  return fetch(what, { ...init, cache: 'no-store', headers: { 'X-Portcullis-Inspector': token, ...init.headers } })
}

/** Reads the stream for as long as the page is open. */
export async function readForever(token: string, listener: Listener): Promise<never> {
  let run = ''
  let place = '0'

  function take(message: string): void {
    const fields = new Map(message.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]))
    const data = fields.get('data')
    const id = fields.get('id')
    if (id !== undefined) place = id.split('.')[1] as string
    if (data === undefined) return
    const value = JSON.parse(data)
    const byName: Readonly<Record<string, (() => void) | undefined>> = {
      hello: () => begin(value),
      rows: () => listener.rows(value),
      dropped: () => listener.dropped(value),
      state: () => listener.state(value),
    }
    byName[fields.get('event') ?? '']?.()
  }

  function begin(newRun: string): void {
    if (run !== '' && run !== newRun) listener.restarted()
    if (run !== newRun) place = '0'
    run = newRun
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream() as never).getReader() as ReadableStreamDefaultReader<string>
    let text = ''
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value
      const messages = text.split('\n\n')
      text = messages.pop() as string
      for (const message of messages) take(message)
    }
  }

  async function once(): Promise<number> {
    const answer = await ask(token, `stream?run=${run}&after=${place}`)
    if (answer.status === 404) {
      listener.status('The server does not know this page. Open the address that it printed when it started.', false)
      return refusedMs
    }
    if (!answer.ok || answer.body === null) {
      listener.status(`The server answered ${answer.status}: at most four of these pages are served.`, false)
      return refusedMs
    }
    listener.status('Live', true)
    await read(answer.body)
    return 0
  }

  for (;;) {
    const pauseMs = await once().catch(() => {
      listener.status('No answer from the server; trying again.', false)
      return reconnectMs
    })
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
