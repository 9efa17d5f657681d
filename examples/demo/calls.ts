import { readChallenges } from 'portcullis/client'
import { expectEqual } from './report.js'

/** Sends a request to the API. `path` follows its origin; a token goes out as Bearer, unless `headers` say otherwise. */
export type Call = (
  method: 'GET' | 'POST',
  path: string,
  token?: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<Response>

/** Makes a {@link Call} to one origin. */
export function caller(origin: string): Call {
  return (method, path, token, headers = token === undefined ? {} : { authorization: `Bearer ${token}` }) =>
    fetch(`${origin}${path}`, { method, headers })
}

/** Checks a refusal and says it in a line, with those challenge parameters that are named. */
export async function refusal(
  request: string,
  response: Response,
  status: number,
  error: string,
  named: readonly string[] = [],
): Promise<readonly string[]> {
  await response.body?.cancel()
  expectEqual('status', response.status, status)
  expectEqual('error', parameter(response, 'error'), error)
  const further = named.map((name) => `, ${name}="${parameter(response, name)}"`).join('')
  return [`${request} → ${status} ${error}${further}: ${parameter(response, 'error_description')}`]
}

/** A parameter of the first challenge that has it; empty when none has. */
export function parameter(response: Response, name: string): string {
  const challenges = readChallenges(response.headers)
  return challenges.map(({ parameters }) => parameters.get(name)).find((value) => value !== undefined) ?? ''
}

/** Checks that a request went through, and gives what it was answered. */
export async function passed(response: Response): Promise<Record<string, unknown>> {
  expectEqual('status', response.status, 200)
  return (await response.json()) as Record<string, unknown>
}

/** Some members of an object. */
export function pick(object: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, object[name]]))
}
