import { describe, expect, it } from 'vitest'
import { TokenStoreError } from '../../../src/errors/index.js'
import type { StoredTokens } from '../../../src/stores/contract.js'
import {
  answer,
  checkTokenEntry,
  checkTokenKey,
  copyEntry,
  damaged,
  endOfLife,
  isOver,
  readEnvelope,
  storeFailure,
  unlessDamaged,
  writeEnvelope,
} from '../../../src/stores/token-entry.js'

const entry: StoredTokens = { v: 1, version: 'v1', tokens: 'tokens', savedAt: 7 }
const account = { issuer: 'https://id.example', subject: 'alice' }

function errorOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

const configuration = (detail: string) =>
  expect.objectContaining({ name: 'TokenStoreError', code: 'ERR_TOKEN_STORE_CONFIGURATION', detail })
const corrupt = (detail: string) =>
  expect.objectContaining({ name: 'TokenStoreError', code: 'ERR_TOKEN_STORE_CORRUPT', detail })

describe('what a store takes', () => {
  it('[S1-40] is keys of 1 to 512 characters of well-formed text', () => {
    for (const key of ['k', 'k'.repeat(512), '\u{1f511}', '../..']) expect(() => checkTokenKey(key)).not.toThrow()
    for (const key of ['', 'k'.repeat(513), '\ud800', 'a\udc00b', 7, ['k'], undefined]) {
      expect(errorOf(() => checkTokenKey(key as string))).toEqual(
        configuration('A key is text of 1 to 512 characters.'),
      )
    }
  })

  const wrong: [string, object | undefined][] = [
    ['nothing', undefined],
    ['a list', []],
    ['another format', { ...entry, v: 2 }],
    ['no version', { ...entry, version: undefined }],
    ['an empty version', { ...entry, version: '' }],
    ['a version that is a number', { ...entry, version: 7 }],
    ['a version of 129 characters', { ...entry, version: 'v'.repeat(129) }],
    ['a version that is a list', { ...entry, version: ['v'] }],
    ['no tokens', { ...entry, tokens: undefined }],
    ['tokens that are no text', { ...entry, tokens: ['t'] }],
    ['no time', { ...entry, savedAt: undefined }],
    ['a time that is text', { ...entry, savedAt: '7' }],
    ['a time without end', { ...entry, savedAt: Number.POSITIVE_INFINITY }],
    ['an account that is null', { ...entry, account: null }],
    ['an account that is text', { ...entry, account: 'alice' }],
    ['an account without subject', { ...entry, account: { issuer: 'https://id.example' } }],
    ['an account without issuer', { ...entry, account: { subject: 'alice' } }],
  ]
  it.each(wrong)('[S1-40] [S1-42] is no entry with %s, neither to be written nor read', (_name, odd) => {
    const detail = 'An entry needs `v`, `version`, `tokens` and `savedAt`.'
    expect(errorOf(() => checkTokenEntry(odd as StoredTokens))).toEqual(configuration(detail))
    const text = JSON.stringify({ v: 1, key: 'k', entry: odd })
    expect(errorOf(() => readEnvelope(text))).toEqual(corrupt('An entry is cut short or altered.'))
  })

  it('[S1-40] is entries of 64 KiB, in bytes and not in characters', () => {
    const empty = JSON.stringify({ ...entry, tokens: '' }).length
    const sized = (bytes: number) => ({
      ...entry,
      tokens: 'ä'.repeat((bytes - empty) / 2) + 'x'.repeat((bytes - empty) % 2),
    })
    expect(() => checkTokenEntry(sized(65_536))).not.toThrow()
    expect(errorOf(() => checkTokenEntry(sized(65_537)))).toEqual(configuration('An entry has at most 65536 bytes.'))
    expect(errorOf(() => checkTokenEntry(sized(100), 99))).toEqual(configuration('An entry has at most 99 bytes.'))
    expect(() => checkTokenEntry(sized(100), 100)).not.toThrow()
    expect(() => checkTokenEntry({ ...entry, version: 'v'.repeat(128), account })).not.toThrow()
  })

  it('[D11] is a life in milliseconds, which ends at its last one', () => {
    expect([endOfLife(undefined, 5), endOfLife({}, 5), endOfLife({ ttlMs: 10.2 }, 5)]).toEqual([
      undefined,
      undefined,
      16,
    ])
    for (const ttlMs of ['7', Number.NaN, null]) {
      expect(errorOf(() => endOfLife({ ttlMs: ttlMs as number }, 5))).toEqual(configuration('`ttlMs` takes a number.'))
    }
    expect([6, 7, 8].map((nowMs) => isOver({ expiresAtMs: 7 }, nowMs))).toEqual([false, true, true])
    expect(isOver({ expiresAtMs: undefined }, Number.POSITIVE_INFINITY)).toBe(false)
  })
})

describe('an envelope', () => {
  it('[S1-40] comes back as it was written, with the members of the contract alone', () => {
    for (const [given, expiresAtMs] of [
      [entry, undefined],
      [{ ...entry, account }, 9],
    ] as const) {
      const text = writeEnvelope({ key: 'k', entry: { ...given, ...{ secret: 'x' } }, expiresAtMs })
      expect(text).not.toContain('secret')
      const envelope = readEnvelope(text, 'k')
      expect(envelope).toEqual({ key: 'k', entry: given, expiresAtMs })
      expect(Object.keys(envelope.entry)).toEqual(Object.keys(copyEntry(given)))
      expect([Object.isFrozen(envelope.entry), Object.isFrozen(copyEntry({ ...entry, account }).account)]).toEqual([
        true,
        true,
      ])
      expect(readEnvelope(text).key).toBe('k')
    }
    expect(Object.keys(copyEntry(entry))).not.toContain('account')
    const copied = copyEntry({ ...entry, account: { ...account, name: 'x' } as typeof account })
    expect(copied.account).toEqual(account)
  })

  it.each([
    ['no JSON', '{', 'An entry is not in the format of this version.'],
    ['a list', '[]', 'An entry is not in the format of this version.'],
    ['another version', JSON.stringify({ v: 2, key: 'k', entry }), 'An entry is not in the format of this version.'],
    ['no key', JSON.stringify({ v: 1, entry }), 'An entry is cut short or altered.'],
    ['a key that is a number', JSON.stringify({ v: 1, key: 7, entry }), 'An entry is cut short or altered.'],
    [
      'an end in words',
      JSON.stringify({ v: 1, key: 'k', entry, expiresAtMs: 'soon' }),
      'An entry is cut short or altered.',
    ],
    [
      'an end that is null',
      JSON.stringify({ v: 1, key: 'k', entry, expiresAtMs: null }),
      'An entry is cut short or altered.',
    ],
    ['another key', JSON.stringify({ v: 1, key: 'other', entry }), 'An entry was put there for another key.'],
  ])('[S1-42] [F16] is damaged with %s', (_name, text, detail) => {
    expect(errorOf(() => readEnvelope(text, 'k'))).toEqual(corrupt(detail))
  })
})

describe('the errors of a store', () => {
  it('[A9] [A12] are those of the contract, with the code of what the platform threw and none of its words', async () => {
    const cut = damaged('cut')
    await expect(answer(() => Promise.reject(cut))).rejects.toBe(cut)
    expect(storeFailure(cut)).toBe(cut)
    const thrown = Object.assign(new Error('canary'), { code: 'ECONNRESET' })
    for (const failure of [storeFailure(thrown), await answer(() => Promise.reject(thrown)).catch((error) => error)]) {
      expect(failure).toBeInstanceOf(TokenStoreError)
      expect(failure).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE', detail: 'The store failed: ECONNRESET.' })
      expect(failure).not.toHaveProperty('cause')
    }
    expect(await answer(async () => 7)).toBe(7)
  })

  it('[S1-42] are passed over where one entry is damaged, and nothing else is', async () => {
    expect(await unlessDamaged(Promise.resolve(7))).toBe(7)
    expect(await unlessDamaged(Promise.reject(damaged('cut')))).toBeUndefined()
    expect(await unlessDamaged(Promise.reject(damaged('cut')), 'other')).toBe('other')
    const locked = new TokenStoreError('ERR_TOKEN_STORE_LOCKED', 'busy')
    await expect(unlessDamaged(Promise.reject(locked))).rejects.toBe(locked)
    const foreign = { code: 'ERR_TOKEN_STORE_CORRUPT' }
    await expect(unlessDamaged(Promise.reject(foreign))).rejects.toBe(foreign)
  })
})
