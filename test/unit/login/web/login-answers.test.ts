import { describe, expect, it } from 'vitest'
import { escapeHtml, isNavigation, isSameOrigin, pageAnswer } from '../../../../src/login/web/login-answers.js'
import { requestFacts } from '../../../support/request-facts.js'

describe('pages of the login', () => {
  it('show text as text', () => {
    expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
    const { body } = pageAnswer(200, { title: '</title><script>', main: '' })
    expect(body).not.toContain('<script>')
  })

  it('name the one style that they have by a nonce of their own', () => {
    const nonces = [1, 2].map(() => {
      const { body, headers } = pageAnswer(200, { title: 'a', main: '' })
      const [, nonce = ''] = /<style nonce="([\w-]{22})">/.exec(body) ?? []
      expect(headers['Content-Security-Policy']).toContain(`style-src 'nonce-${nonce}'`)
      return nonce
    })
    expect(nonces[0]).not.toBe(nonces[1])
  })
})

describe('isSameOrigin', () => {
  const asked = (headers: Record<string, string>, strict: boolean) =>
    isSameOrigin(requestFacts({ method: 'POST', headers }), 'https://app.example.com', strict)

  it('lets programs pass that say nothing of themselves, unless it wants proof', () => {
    expect([asked({}, false), asked({}, true)]).toEqual([true, false])
    expect([asked({ origin: 'null' }, false), asked({ origin: 'null' }, true)]).toEqual([false, false])
    expect(asked({ 'sec-fetch-site': 'none' }, false)).toBe(false)
  })
})

describe('isNavigation', () => {
  it('is what somebody goes to', () => {
    const asked = (headers: Record<string, string>, method = 'GET') => isNavigation(requestFacts({ method, headers }))
    expect(asked({ accept: 'text/html' })).toBe(true)
    expect(asked({ accept: 'application/json' })).toBe(false)
    expect(asked({})).toBe(false)
    expect(asked({ 'sec-fetch-mode': 'navigate' })).toBe(true)
    expect(asked({ 'sec-fetch-mode': 'navigate' }, 'POST')).toBe(false)
    expect(asked({ 'sec-fetch-mode': 'cors', accept: 'text/html' })).toBe(false)
  })
})
