import { inspect } from 'node:util'
import { parseTokenSet, serializeTokenSet, type TokenSet, tokenSetFromResponse } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { createTokenSet } from '../../../src/client/token-set.js'

const clock = () => 1_800_000_000_500
const received = (members: object) =>
  tokenSetFromResponse({ access_token: 'the-access', token_type: 'bearer', ...members }, { clock })
const hiddenOf = ({ accessToken, refreshToken, idToken, metadata, raw }: TokenSet) => ({
  ...{ accessToken, refreshToken, idToken, metadata, raw },
})

describe('a serialized token set', () => {
  const full = {
    expires_in: 60,
    scope: 'a',
    refresh_token: 'r',
    refresh_expires_in: 99,
    id_token: 'i',
    team: { x: [1] },
  }

  const answer = { access_token: 'next', token_type: 'Bearer', refresh_token: 'r2', id_token: 'i2' }
  const renewed = createTokenSet({ raw: answer, clock, requestedScope: [], previous: received(full) })

  it.each([
    ['a full one', received(full)],
    ['a small one', received({})],
    ['a bound one', received({ token_type: 'dpop' })],
    ['one that is no access token', received({ token_type: 'N_A' })],
    ['one that was renewed', renewed],
    ['one with a member of an odd name', received(JSON.parse('{"__proto__":{"x":1},"constructor":"y"}'))],
  ])('[S1-79] comes back as it was: %s', (_name, token) => {
    const text = serializeTokenSet(token)
    const back = parseTokenSet(text)
    expect(back).toEqual(token)
    expect(hiddenOf(back)).toEqual(hiddenOf(token))
    expect(Object.keys(back.raw).sort()).toEqual(Object.keys(token.raw).sort())
    expect(text.match(new RegExp(token.accessToken, 'g'))).toHaveLength(1)
    expect(inspect(back, { showHidden: true })).not.toContain(token.accessToken)
  })

  const sound = JSON.parse(serializeTokenSet(received(full)))
  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another version', JSON.stringify({ ...sound, v: 2 })],
    ...Object.keys(sound)
      .filter((name) => name !== 'issuedTokenType')
      .map((name) => [`a wrong ${name}`, JSON.stringify({ ...sound, [name]: { bad: true } })])
      .filter(([title]) => title !== 'a wrong answer'),
    ['no answer', JSON.stringify({ ...sound, answer: 'x' })],
    ['an empty refresh token', JSON.stringify({ ...sound, refreshToken: '' })],
    ['an unknown type', JSON.stringify({ ...sound, tokenType: 'mac' })],
    ['no time of receipt', JSON.stringify({ ...sound, issuedAt: null })],
  ])('[S1-79] is refused with %s', (_name, text) => {
    expect(() => parseTokenSet(text as string)).toThrow(expect.objectContaining({ code: 'ERR_CLIENT_ARGUMENT' }))
  })

  it('[S1-79] names no part of a text that is refused', () => {
    expect(() => parseTokenSet('{"accessToken":"CANARY"}')).toThrow(/^(?!.*CANARY).*no token set/)
  })
})
