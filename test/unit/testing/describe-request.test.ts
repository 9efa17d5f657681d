import { requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

describe('requestFacts', () => {
  it('describes a bare GET by default', () => {
    const facts = requestFacts()
    expect(facts).toMatchObject({ method: 'GET', url: '/' })
    expect(facts.headerValues('authorization')).toEqual([])
    expect(facts.clientCertificate?.()).toBeUndefined()
    expect(facts.formBody?.()).toBeUndefined()
    expect(facts).not.toHaveProperty('secure')
  })

  it('gives a repeated field once per value, by its lower-case name', () => {
    const facts = requestFacts({ headers: { DPoP: ['one', 'two'], Authorization: 'Bearer x' } })
    expect(facts.headerValues('dpop')).toEqual(['one', 'two'])
    expect(facts.headerValues('authorization')).toEqual(['Bearer x'])
  })

  it('passes on everything else a request can say', () => {
    const certificate = new Uint8Array([1])
    const form = { access_token: 'x' }
    const facts = requestFacts({
      method: 'POST',
      url: '/a?b',
      secure: true,
      remoteAddress: '192.0.2.1',
      clientCertificate: certificate,
      formBody: form,
    })
    expect(facts).toMatchObject({ method: 'POST', url: '/a?b', secure: true, remoteAddress: '192.0.2.1' })
    expect(facts.clientCertificate?.()).toBe(certificate)
    expect(facts.formBody?.()).toBe(form)
  })
})
