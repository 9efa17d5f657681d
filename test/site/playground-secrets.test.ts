import { describe, expect, it } from 'vitest'
import { hasChromium } from '../support/chromium.js'
import { hostilePayloads } from '../support/inspector-in-chromium.js'
import { settled, setUpStage } from './playground-in-chromium.js'

const keySetField = 'Key set of the issuer'
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe.runIf(hasChromium('what the playground keeps to itself'))('the playground', () => {
  const { start, origin } = setUpStage()

  it('puts no token, proof or key into address, history or storage, wherever somebody pastes it', async () => {
    const { page, field, fill, makeMistake, requests } = await start({ fragment: '#dpop=required&mistake=none' })
    const [token, proof] = [await field('Token').inputValue(), await field('DPoP proof').inputValue()]
    const keySet = await field(keySetField).inputValue()
    for (const label of ['Issuer', 'Resource', 'Audience', 'Scopes of the route', 'Sign-in, acr']) {
      await fill(label, `${token} ${proof} ${keySet}`)
    }
    await fill('Token', token)
    await makeMistake('Not bound, where it has to be')
    const places = await page.evaluate(async () => [
      location.href,
      JSON.stringify(history.state),
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      document.cookie,
      document.title,
      JSON.stringify(await indexedDB.databases()),
      JSON.stringify(await caches.keys()),
    ])
    const parts = [...token.split('.'), ...proof.split('.'), ...(keySet.match(/[\w-]{40,}/g) ?? [])]
    expect(parts).toHaveLength(8)
    expect(parts.filter((part) => places.join('\n').includes(part.slice(0, 16)))).toEqual([])
    expect(places[0]).toContain('#dpop=required&mistake=unbound')
    expect([await page.context().cookies(), requests]).toEqual([[], []])
  })

  it.each(['directly', 'by a link of another page'])('can connect to nothing, reached %s', async (way) => {
    const { page } = await start()
    if (way !== 'directly') {
      await page.context().setOffline(false)
      await page.goto(`${origin()}/`)
      await page.getByRole('link', { name: 'the playground' }).first().click()
      await settled(page)
    }
    const outcome = await page.evaluate(async (here) => {
      const elsewhere = 'http://127.0.0.2'
      // A document that came from another page has two policies, and tells of each that is broken.
      const breaches = new Set<string>()
      const seen = (count: number) =>
        new Promise<void>((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
            breaches.add(`${effectiveDirective} ${blockedURI.replace(here, 'here')}`)
            if (breaches.size === count) resolve()
          })
        })
      const all = seen(6)
      const names = await Promise.all(
        [here, `${elsewhere}/fetch`].map((url) =>
          fetch(url).then(
            () => 'sent',
            ({ name }: Error) => name,
          ),
        ),
      )
      navigator.sendBeacon(`${elsewhere}/beacon`)
      new Image().src = `${elsewhere}/x.png`
      new EventSource(`${elsewhere}/events`)
      const form = Object.assign(document.createElement('form'), { action: `${elsewhere}/form` })
      document.body.append(form)
      form.submit()
      await all
      return [names, [...breaches].sort()]
    }, `${origin()}/`)
    expect(outcome).toEqual([
      ['TypeError', 'TypeError'],
      [
        'connect-src here',
        'connect-src http://127.0.0.2/beacon',
        'connect-src http://127.0.0.2/events',
        'connect-src http://127.0.0.2/fetch',
        'form-action http://127.0.0.2/form?',
        'img-src http://127.0.0.2/x.png',
      ],
    ])
  })

  it('leaves the rest of the site at work under its policy', async () => {
    const { page, trouble } = await start()
    await page.context().setOffline(false)
    await page.getByRole('link', { name: 'development page' }).click()
    await page.getByRole('heading', { level: 1, name: 'Development page' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('searchbox').fill('ERR_TOKEN_AUDIENCE')
    await page.locator('#localsearch-list li').first().waitFor()
    expect(trouble).toEqual([])
  })

  it('refuses a token of 1 MB unread', async () => {
    const { fill, text } = await start()
    await fill('Token', `ey${'A'.repeat(1_000_000)}.e30.AAAA`)
    expect(await text('.verdict')).toContain('ERR_TOKEN_TOO_LARGE')
    expect(await text('#pg-decoded')).toBe('')
  })

  it('takes private keys out of what is pasted, and warns', async () => {
    const { page, field, fill, makeMistake, text } = await start()
    await makeMistake('Nothing is wrong')
    const [key] = JSON.parse(await field(keySetField).inputValue()).keys
    const secret = 'SECRET-kdbKQ2hP8d4iYb1vJ9yTzqWm3nR5sX7u'
    await fill(keySetField, JSON.stringify({ keys: [{ ...key, d: secret }] }))
    expect(await text('[role=alert]')).toContain('held a private or symmetric key')
    expect(await page.content()).not.toContain('SECRET-')
    expect(await field(keySetField).inputValue()).not.toContain('SECRET-')
    expect(await text('.verdict')).toBe('Let through')
    await fill(keySetField, `-----BEGIN PRIVATE KEY-----\n${secret}`)
    expect(await field(keySetField).inputValue()).toBe('')
  })

  it('judges a malformed key set as a server does, and says what is wrong with it', async () => {
    const { fill, text } = await start()
    await fill(keySetField, '{"keys": [')
    expect(await text('.verdict')).toContain('ERR_KEYS_UNAVAILABLE')
    expect(await text('[role=alert]')).toContain('not JSON')
    await fill(keySetField, `{"keys": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`)
    expect(await text('.verdict')).toContain('ERR_KEYS_UNAVAILABLE')
  })

  it('shows markup in claims, header and choices as text', async () => {
    const { page, fill, go, trouble } = await start()
    for (const [index, payload] of hostilePayloads.entries()) {
      const claims = { iss: payload, aud: [payload], sub: payload, scope: payload, [payload]: payload, exp: index }
      await fill('Token', `${encode({ alg: 'ES256', kid: payload, typ: payload })}.${encode(claims)}.AAAA`)
      if (index % 8 === 0) await fill('Resource', payload)
    }
    await go(`#resource=${encodeURIComponent(hostilePayloads[2] ?? '')}&scope=${encodeURIComponent('"><img src=x>')}`)
    expect(trouble).toEqual([])
    expect(await page.locator('.playground :is(script, img, svg, iframe, object, embed, form, base)').count()).toBe(0)
  })

  it('survives JSON that nests deeper than anybody can read', async () => {
    const { page, fill, text, trouble } = await start()
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    await fill('Token', `${encode({ alg: 'ES256' })}.${Buffer.from(nested(3000)).toString('base64url')}.AAAA`)
    expect(await text('.verdict')).toContain('Refused: ERR_TOKEN_')
    await page.getByText('Other claims in the token').click()
    await fill('Further claims, as JSON', nested(100_000))
    expect(await text('.verdict')).not.toBe('Let through')
    expect(trouble).toEqual([])
  })
})
