import { describe, expect, it } from 'vitest'
import { shown, shownText } from '../../../src/errors/shown.js'

describe('shown', () => {
  it('shows numbers, truth values and text as they are, and nothing for nothing', () => {
    for (const value of [0, -1.5, true, false, '', 'read write']) expect(shown(value)).toBe(value)
    expect(shown(undefined)).toBeUndefined()
  })

  it('shows any other value by its kind alone', () => {
    expect(shown(null)).toBe('(null)')
    expect(shown({ secret: 'x' })).toBe('(object)')
    expect(shown(() => 'x')).toBe('(function)')
    expect(shown(5n)).toBe('(bigint)')
    expect(shown(['a', 1, ['secret'], { secret: 'x' }, null, undefined])).toEqual([
      'a',
      1,
      '(list)',
      '(object)',
      '(null)',
      '(undefined)',
    ])
  })

  it('shows 16 items of a list, and how many more there are', () => {
    const items = Array.from({ length: 16 }, (_, index) => index)
    expect(shown(items)).toEqual(items)
    expect(shown([...items, 'x', 'y'])).toEqual([...items, 'and 2 more'])
  })
})

describe('shownText', () => {
  it('cuts text to 200 characters', () => {
    expect(shownText('a'.repeat(200))).toBe('a'.repeat(200))
    expect(shownText('a'.repeat(201))).toBe(`${'a'.repeat(200)}…`)
  })

  it('masks compact JWTs, wherever they stand', () => {
    expect(shownText('the token eyJhbGciOiJ.eyJzdWIi.c2ln, cut')).toBe('the token (masked), cut')
    expect(shown(['eyJhbGciOiJ.eyJzdWIi.c2ln'])).toEqual(['(masked)'])
    expect(shownText('they say.so, eyes.of, ey-_-_-_.x and ey12345.x')).toBe(
      'they say.so, eyes.of, (masked) and ey12345.x',
    )
    expect(shownText('eyJhbGciOiJ.')).toBe('(masked)')
  })

  it('escapes what moves the cursor, turns the direction of text or hides it', () => {
    expect(shownText('a\nb\u001b[2J')).toBe('a\\u{a}b\\u{1b}[2J')
    expect(shownText('\u202e\u200b\u2028\u2029\ud800')).toBe('\\u{202e}\\u{200b}\\u{2028}\\u{2029}\\u{d800}')
    expect(shownText('\u{e0041}')).toBe('\\u{e0041}')
  })
})
