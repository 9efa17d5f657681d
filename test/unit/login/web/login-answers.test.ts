import type { LoginPage } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import {
  escapeHtml,
  isNavigation,
  isSameOrigin,
  jsonAnswer,
  pageAnswer,
  redirectAnswer,
  wantsPage,
} from '../../../../src/login/web/login-answers.js'
import { requestFacts } from '../../../support/request-facts.js'
import { asPage, asScript, setUpWebLogin } from '../../../support/web-login-set-up.js'

const always = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' }

describe('the answers of the login', () => {
  it('are kept by no cache, guessed at by no browser, and named to no other site', () => {
    expect(redirectAnswer('/a')).toEqual({ status: 303, headers: { ...always, Location: '/a' }, body: '' })
    expect(redirectAnswer('/a', ['b=c']).headers).toEqual({ ...always, Location: '/a', 'Set-Cookie': ['b=c'] })
    const json = { ...always, 'Content-Type': 'application/json' }
    expect(jsonAnswer(400, { a: 1 })).toEqual({ status: 400, headers: json, body: '{"a":1}' })
    expect(jsonAnswer(400, {}, ['b=c'], { Allow: 'GET' }).headers).toEqual({
      ...{ ...json, Allow: 'GET', 'Set-Cookie': ['b=c'] },
    })
  })

  it('are pages that load nothing, run nothing and stand in no frame', () => {
    const content = { kind: 'logout', title: 'A & B', main: '<b>main</b>' } as const
    const { status, headers, body } = pageAnswer(200, content, ['b=c'], { Allow: 'GET' })
    const nonce = /<style nonce="([\w-]{22})">:root\{[^<]*\}<\/style>/.exec(body)?.[1]
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; frame-ancestors 'none'; base-uri 'none'`
    const fields = { ...always, 'Content-Type': 'text/html; charset=utf-8', Allow: 'GET', 'Set-Cookie': ['b=c'] }
    const strict = { 'Content-Security-Policy': `${policy}; form-action 'self'` }
    expect([status, headers]).toEqual([200, { ...fields, ...strict }])
    expect(body.replace(/<style.*<\/style>/, '<style>')).toBe(
      [
        ...['<!doctype html>', '<html lang="en">', '<meta charset="utf-8">'],
        ...['<meta name="viewport" content="width=device-width, initial-scale=1">', '<title>A &amp; B</title>'],
        ...['<style>', '<main>', '<h1>A &amp; B</h1>', '<b>main</b>', '</main>', '</html>', ''],
      ].join('\n'),
    )
    const leading = pageAnswer(200, { ...content, formLeadsOut: true })
    expect(leading.headers['Referrer-Policy']).toBe('same-origin')
    expect(leading.headers['Content-Security-Policy']).toMatch(/; base-uri 'none'$/)
    expect(leading.headers).not.toHaveProperty('Set-Cookie')
  })

  it('are pages for whoever takes HTML', () => {
    const takes = (...accept: string[]) => wantsPage(requestFacts({ headers: { accept } }))
    expect([takes('text/html'), takes('*/*', 'Text/HTML;q=0.9, a/b')]).toEqual([true, true])
    expect([takes(), takes('*/*'), takes('application/json')]).toEqual([false, false, false])
  })
})

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
    for (const strict of [false, true]) {
      expect(asked({ 'sec-fetch-site': 'same-origin' }, strict)).toBe(true)
      for (const site of ['none', 'same-site', 'cross-site', '']) {
        expect([site, asked({ 'sec-fetch-site': site }, strict)]).toEqual([site, false])
        expect(asked({ 'sec-fetch-site': site, origin: 'null' }, strict)).toBe(false)
      }
      expect(asked({ origin: 'null', 'sec-fetch-site': 'same-origin' }, strict)).toBe(true)
      expect(asked({ origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }, strict)).toBe(true)
      for (const origin of ['https://evil.example', 'https://app.example.com:444', 'http://app.example.com', '']) {
        expect([origin, asked({ origin, 'sec-fetch-site': 'same-origin' }, strict)]).toEqual([origin, false])
      }
    }
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
    for (const ahead of [
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
      { 'next-router-prefetch': '' },
    ]) {
      expect([ahead, asked({ 'sec-fetch-mode': 'navigate', ...ahead } as never)]).toEqual([ahead, false])
    }
    expect(asked({ 'sec-fetch-mode': 'navigate', 'sec-purpose': '', purpose: 'preview' })).toBe(true)
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
