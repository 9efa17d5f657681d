import { request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { describe, expect, it } from 'vitest'
import { type Choices, frameworks, readFragment } from '../../docs/.vitepress/theme/playground/choices.js'
import { toIssuer, toRequirement, toServerOptions } from '../../docs/.vitepress/theme/playground/gate-set-up.js'
import { mistakes } from '../../docs/.vitepress/theme/playground/mistakes.js'
import { providerSamples } from '../../docs/.vitepress/theme/playground/provider-samples.js'
import { hasChromium } from '../support/chromium.js'
import { setUpStage } from './playground-in-chromium.js'

const gateFields = new Set(['cache-control', 'content-type', 'www-authenticate', 'dpop-nonce', 'retry-after'])

/** What the gate answers in Node, over HTTP and by Express, in the lines in which the page shows it. */
async function answerOfNode(choices: Choices, keySet: string, headers: Record<string, string>): Promise<string[]> {
  const issuer = toIssuer(choices)
  const keysAt = 'https://login.example.com/keys'
  const server = createResourceServer({
    ...toServerOptions(choices),
    issuer,
    fetch: async (url) =>
      url === keysAt ? new Response(keySet) : Response.json({ issuer: issuer.issuer, jwks_uri: keysAt }),
  })
  const app = express().get('/orders', portcullis(server).requireToken(toRequirement(choices)), (_req, res) => {
    res.end()
  })
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  try {
    return await new Promise((resolve, reject) => {
      const request = send({ host: '127.0.0.1', port, path: '/orders', headers }, async (response) => {
        const body = (await response.toArray()).join('')
        const fields = response.rawHeaders.flatMap((name, index, all) =>
          index % 2 === 0 && gateFields.has(name.toLowerCase()) ? [`${name}: ${all[index + 1]}`] : [],
        )
        resolve(response.statusCode === 200 ? [] : [`HTTP/1.1 ${response.statusCode}`, ...fields.sort(), body])
      })
      request.on('error', reject).end()
    })
  } finally {
    listening.close()
  }
}

/** The lines of an answer that the page shows, in the order of {@link answerOfNode}. */
function answerLines(text: string): string[] {
  if (text === '') return []
  const [head = '', body = ''] = text.split('\n\n')
  const [status = '', ...fields] = head.split('\n')
  return [status, ...fields.filter((field) => gateFields.has(field.split(':')[0]?.toLowerCase() ?? '')).sort(), body]
}

/** What each mistake is refused with, where nothing else was chosen. */
const codes: Readonly<Record<keyof typeof mistakes, string>> = {
  none: 'Let through',
  audience: 'ERR_TOKEN_AUDIENCE',
  audienceSlash: 'ERR_TOKEN_AUDIENCE',
  issuer: 'ERR_TOKEN_ISSUER',
  issuerSlash: 'ERR_TOKEN_ISSUER',
  expired: 'ERR_TOKEN_EXPIRED',
  early: 'ERR_TOKEN_NOT_YET_VALID',
  milliseconds: 'ERR_TOKEN_NOT_YET_VALID',
  idToken: 'ERR_TOKEN_TYPE',
  type: 'ERR_TOKEN_TYPE',
  opaque: 'ERR_TOKEN_UNRECOGNISED',
  subject: 'ERR_TOKEN_CLAIM_MISSING',
  algNone: 'ERR_TOKEN_MALFORMED',
  secret: 'ERR_TOKEN_ALGORITHM',
  kid: 'ERR_TOKEN_KEY_UNKNOWN',
  signature: 'ERR_TOKEN_SIGNATURE',
  changed: 'ERR_TOKEN_SIGNATURE',
  scope: 'ERR_SCOPE_INSUFFICIENT',
  acr: 'ERR_STEP_UP_REQUIRED',
  authTime: 'ERR_STEP_UP_REQUIRED',
  missing: 'ERR_TOKEN_MISSING',
  doubled: 'ERR_REQUEST_MALFORMED',
  boundAsBearer: 'ERR_TOKEN_BOUND',
  noProof: 'ERR_PROOF_MISSING',
  proofElsewhere: 'ERR_PROOF_TARGET',
  unbound: 'ERR_TOKEN_UNBOUND',
}

describe.runIf(hasChromium('the playground'))('the playground in Chromium, without a network', () => {
  const { start } = setUpStage()

  it('explains a refused token: the step, what was expected and received, the rule, what to write', async () => {
    const { page, text, trouble, requests } = await start()
    expect(await text('.verdict')).toContain('Refused: ERR_TOKEN_AUDIENCE')
    expect(await text('.verdict')).toContain('the token is for another API. Have the client ask for this one')
    expect(await text('.steps .failed')).toContain('expected https://api.example.com')
    expect(await text('.steps .failed')).toContain('received https://billing.example.com')
    const link = page.locator('.steps .failed').getByRole('link')
    expect(await link.getAttribute('href')).toBe('https://www.rfc-editor.org/rfc/rfc9068#section-4')
    const results = await page.locator('.steps .result').allTextContents()
    const failedAt = results.indexOf('failed')
    expect(results).toHaveLength(24)
    expect(new Set(results.slice(failedAt + 1))).toEqual(new Set(['skipped']))
    expect(results.slice(0, failedAt)).not.toContain('skipped')
    expect([trouble, requests]).toEqual([[], []])
  })

  it('admits a good token, and shows what the handler gets', async () => {
    const { text, makeMistake } = await start()
    await makeMistake('Nothing is wrong')
    expect(await text('.verdict')).toBe('Let through')
    expect(await text('#pg-answer')).toBe('')
    expect(JSON.parse(await text('#pg-caller'))).toMatchObject({
      subject: 'alice',
      clientId: 'web',
      scopes: ['orders:read'],
    })
  })

  it('answers each mistake with the bytes that the gate in Node sends by Express', async () => {
    const { page, field, go, makeMistake, text, requests } = await start()
    const differing: string[] = []
    const shownCodes: Record<string, string> = {}
    for (const [name, { label }] of Object.entries(mistakes)) {
      await go('#mistake=none')
      await makeMistake(label)
      const [token, sentAs] = [await field('Token').inputValue(), await field('Sent as').inputValue()]
      const proof = sentAs === 'DPoP' ? await field('DPoP proof').inputValue() : ''
      const keySet = await field('Key set of the issuer').inputValue()
      const node = await answerOfNode(readFragment(new URL(page.url()).hash), keySet, {
        ...(sentAs !== 'nothing' && { authorization: `${sentAs} ${token}` }),
        ...(proof !== '' && { dpop: proof }),
      })
      const shown = answerLines(await text('#pg-answer'))
      if (JSON.stringify(shown) !== JSON.stringify(node)) differing.push(`${name}: ${shown} instead of ${node}`)
      shownCodes[name] = (await text('.verdict strong')).replace('Refused: ', '')
    }
    expect(differing).toEqual([])
    expect(shownCodes).toEqual(codes)
    expect(requests).toEqual([])
  })

  it('lets the token through that each provider issues', async () => {
    const { choose, makeMistake, text } = await start()
    await makeMistake('Nothing is wrong')
    const verdicts: Record<string, string> = {}
    for (const name of Object.keys(providerSamples)) {
      await choose('Provider', name)
      verdicts[name] = await text('.verdict')
    }
    expect(new Set(Object.values(verdicts)), JSON.stringify(verdicts)).toEqual(new Set(['Let through']))
  })

  it('shows the metadata of the API, and where clients look for it', async () => {
    const { page, fill, choose, text } = await start()
    await fill('Resource', 'https://api.example.com/shop')
    await choose('DPoP', 'required')
    await page.getByText('/.well-known/oauth-protected-resource/shop', { exact: true }).waitFor()
    expect(JSON.parse(await text('#pg-metadata'))).toMatchObject({
      resource: 'https://api.example.com/shop',
      authorization_servers: ['https://login.example.com'],
      dpop_bound_access_tokens_required: true,
    })
  })

  it('makes tokens by each algorithm, with claims that are asked for, and proofs where DPoP is required', async () => {
    const { page, choose, fill, field, makeMistake, text } = await start()
    await makeMistake('Nothing is wrong')
    await page.getByText('Other claims in the token').click()
    for (const algorithm of ['RS256', 'ES256', 'EdDSA']) {
      await choose('Signed by', algorithm)
      expect([algorithm, await text('.verdict')]).toEqual([algorithm, 'Let through'])
    }
    await choose('DPoP', 'required')
    await fill('Further claims, as JSON', '{"plan": "gold"}')
    await fill('Path', '/orders/7')
    expect(await text('.verdict')).toBe('Let through')
    const [, payload = ''] = (await text('#pg-decoded')).split('\n}\n')
    expect(JSON.parse(payload)).toMatchObject({ plan: 'gold', cnf: { jkt: expect.any(String) } })
    expect((await field('DPoP proof').inputValue()).split('.')).toHaveLength(3)
    await fill('Further claims, as JSON', '{"plan": ')
    expect(await text('.verdict')).toContain('Further claims take a JSON object')
  })

  it('says what to write where the server would not start', async () => {
    const { fill, text } = await start()
    await fill('Issuer', 'login.example.com')
    expect(await text('.verdict')).toContain('The server does not start')
    expect(await text('.verdict')).toContain('issuer takes an absolute https URL')
    expect(await text('.steps')).toBe('')
  })

  it('writes the code for the framework and the choices', async () => {
    const { page, text } = await start({ fragment: '#provider=keycloak&scope=a+b&scopeMode=any&dpop=required' })
    const programs = new Set<string>()
    for (const title of Object.values(frameworks)) {
      await page.getByRole('radio', { name: title, exact: true }).check()
      const code = await text('#pg-code')
      expect(code).toContain("{ scope: { any: ['a', 'b'] } }")
      expect(code).toContain("issuer: keycloak({ issuer: 'https://sso.example.com/realms/main' })")
      expect(code).toContain("dpop: 'required'")
      programs.add(code)
    }
    expect(programs.size).toBe(Object.keys(frameworks).length)
  })

  it('restores the choices from the fragment, at the start and later', async () => {
    const fragment = '#provider=okta&p.domain=acme.okta.com&scope=mail&acr=mfa&framework=koa&mistake=expired'
    const { page, field, go, text } = await start({ fragment })
    expect(await field('Provider').inputValue()).toBe('okta')
    expect(await field('Domain').inputValue()).toBe('acme.okta.com')
    expect(await page.getByRole('radio', { name: 'Koa' }).isChecked()).toBe(true)
    expect(await page.getByRole('button', { pressed: true }).allTextContents()).toEqual(['Expired'])
    expect(await text('.verdict')).toContain('ERR_TOKEN_EXPIRED')
    await go('#mistake=none&framework=nest')
    expect(await field('Provider').inputValue()).toBe('rfc9068')
    expect(await text('.verdict')).toBe('Let through')
  })
})
