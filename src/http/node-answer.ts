import { type FieldValue, mergeField } from './answer-headers.js'
import type { HttpAnswer } from './request-facts.js'

/** What is used of a `node:http`, `node:https` or `node:http2` response. */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  /** A field as it stands. */
  getHeader(name: string): FieldValue
  /** Sets a field; an array becomes one field per value. */
  setHeader(name: string, value: string | string[]): unknown
  /** Sends the answer with `body` as the whole of its content. */
  end(body: string): unknown
}

/**
 * Sets fields on an answer that the application goes on to write; see {@link mergeField} for those it set already. Does
 * nothing once the head is sent.
 *
 * @group Requests
 */
export function setNodeHeaders(response: NodeResponse, headers: HttpAnswer['headers']): void {
  if (response.headersSent) return
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, mergeField(name, response.getHeader(name), value))
  }
}

/**
 * Sends a whole answer. Keeps what the application set before, CORS fields above all. Does nothing once the head is
 * sent.
 *
 * @group Requests
 */
export function sendNodeAnswer(response: NodeResponse, answer: HttpAnswer): void {
  if (response.headersSent) return
  response.statusCode = answer.status
  setNodeHeaders(response, answer.headers)
  response.end(answer.body)
}
