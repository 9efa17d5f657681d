import type { LoginPage } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { escapeHtml, isNavigation, isSameOrigin, pageAnswer } from '../../../../src/login/web/login-answers.js'
import { requestFacts } from '../../../support/request-facts.js'
import { asPage, asScript, setUpWebLogin } from '../../../support/web-login-set-up.js'

describe('pages of the login', () => {
  it('show text as text', () => {
    expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
    const { body } = pageAnswer(200, { kind: 'error', title: '</title><script>', main: '' })
    expect(body).not.toContain('<script>')
  })

  it('name the one style that they have by a nonce of their own', () => {
    const nonces = [1, 2].map(() => {
      const { body, headers } = pageAnswer(200, { kind: 'error', title: 'a', main: '' })
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

describe('pages of an application', () => {
  const pages = ({ kind, status, title, main, nonce }: LoginPage) =>
    `<title>${title}</title><style nonce="${nonce}"></style><b>${kind} ${status}</b>${main}`

  it('lay out what each page holds, under the same policy', async () => {
    const { send, signIn, login, facts } = setUpWebLogin({ pages })
    const error = await send('/auth/callback/corporate?state=x')
    expect(error.body).toMatch(/^<title>Please start again<\/title>.*<b>error 400<\/b><p>This login was not started/s)
    const nonce = /nonce="([\w-]{22})"/.exec(error.body)?.[1]
    expect(error.headers['Content-Security-Policy']).toContain(`style-src 'nonce-${nonce}'`)
    expect(
      (await login.guard()(
        facts('/me', { method: 'POST', headers: { ...asPage, origin: 'https://evil.example' } }),
      )) as object,
    ).toMatchObject({
      answer: { status: 403, body: expect.stringContaining('<b>error 403</b>') },
    })
    await signIn()
    expect((await send('/auth/logout')).body).toMatch(/<b>logout 200<\/b><form method="post"/)
    const out = await send('/auth/nothing', { headers: asScript })
    expect(JSON.parse(out.body)).toMatchObject({ error: 'not_found' })
  })

  it('are a fault of the application where they throw', async () => {
    const { send } = setUpWebLogin({
      pages() {
        throw new Error('no such file')
      },
    })
    await expect(send('/auth/nothing')).rejects.toMatchObject({ code: 'ERR_INTERNAL', callback: 'pages' })
  })
})
