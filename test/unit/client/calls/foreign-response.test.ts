import { expect, it, vi } from 'vitest'
import { readResponse } from '../../../../src/client/calls/attempt.js'

it('gives an answer also where a Response of another kind stands for that of the platform, as Hono puts one there', async () => {
  class Foreign extends Response {}
  for (const name of ['text', 'json', 'clone'] as const) {
    Object.defineProperty(Foreign.prototype, name, { value: Response.prototype[name], writable: false })
  }
  vi.stubGlobal('Response', Foreign)
  const response = readResponse({ status: 201, headers: new Headers({ 'x-field': 'a' }) }, '{"member":1}')
  expect([response.status, response.headers.get('x-field')]).toEqual([201, 'a'])
  expect(await response.text()).toBe('{"member":1}')
  expect(await response.json()).toEqual({ member: 1 })
  expect(await response.clone().text()).toBe('{"member":1}')
  vi.unstubAllGlobals()
})
