import { expect } from 'vitest'
import type { ExactResponse } from '../../support/http-exchange.js'
import type { AdapterHarness } from './routes.js'
import type { ContractRow } from './row.js'

/** What a row says of an answer. */
export type ExpectedAnswer = Omit<ContractRow, 'title' | 'request'>

/** Holds an answer against all that is said of it. */
export function expectAnswer(
  response: ExactResponse,
  expected: ExpectedAnswer,
  { joinsFields }: Pick<AdapterHarness, 'joinsFields'>,
): void {
  const { challenges = [] } = expected
  const joined = joinsFields === true && challenges.length > 0 ? [challenges.join(', ')] : challenges
  expect(response.status).toBe(expected.status)
  expect(response.fields('WWW-Authenticate')).toEqual(joined)
  for (const [name, values] of Object.entries(expected.fields ?? {})) {
    expect(response.fields(name), name).toEqual(values)
  }
  if (typeof expected.body === 'string') expect(response.body).toBe(expected.body)
  if (typeof expected.body === 'object') expect(JSON.parse(response.body)).toEqual(expected.body)
  expected.check?.(response)
}
