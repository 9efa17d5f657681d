import { requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { isPreflight } from '../../../src/http/request-facts.js'

describe('isPreflight', () => {
  it('[ADP-03] is true of OPTIONS that asks for a method, and of nothing else', () => {
    const headers = { 'access-control-request-method': 'GET' }
    expect(isPreflight(requestFacts({ method: 'OPTIONS', headers }))).toBe(true)
    expect(isPreflight(requestFacts({ method: 'OPTIONS' }))).toBe(false)
    expect(isPreflight(requestFacts({ method: 'GET', headers }))).toBe(false)
    expect(isPreflight(requestFacts({ method: 'options', headers }))).toBe(false)
  })
})
