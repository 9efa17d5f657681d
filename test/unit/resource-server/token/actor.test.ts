import { describe, expect, it } from 'vitest'
import { isReadableMayAct, readActor } from '../../../../src/resource-server/token/read-claims.js'

const chain = (length: number): object => (length === 1 ? { sub: 'a' } : { sub: 'a', act: chain(length - 1) })

describe('readActor', () => {
  it('[TX-08] reads the current actor, with earlier ones inside, and nothing else of them', () => {
    const act = {
      sub: 'a',
      iss: 'https://i.test',
      exp: 1,
      nbf: 9e9,
      aud: 'x',
      client_id: 'y',
      act: { sub: 'b', exp: 'z' },
    }
    expect(readActor(act)).toEqual({ sub: 'a', iss: 'https://i.test', act: { sub: 'b' } })
    expect(readActor(undefined)).toBeUndefined()
  })

  it('[TX-11] refuses an act that is no object with a string sub', () => {
    for (const act of [
      null,
      'a',
      1,
      true,
      [],
      [{ sub: 'a' }],
      {},
      { sub: 1 },
      { sub: '' },
      { sub: null },
      { sub: ['a'] },
    ]) {
      expect(readActor(act), JSON.stringify(act)).toBeNull()
      expect(readActor({ sub: 'a', act }), JSON.stringify(act)).toBeNull()
    }
    expect(readActor({ sub: 'a', iss: 1 })).toBeNull()
    expect(readActor(Object.create({ sub: 'a' }))).toBeNull()
  })

  it('[TX-11] refuses more than 8 actors', () => {
    expect(readActor(chain(8))).not.toBeNull()
    expect(readActor(chain(9))).toBeNull()
    expect(readActor(chain(5000))).toBeNull()
  })

  it('freezes every actor', () => {
    const actor = readActor(chain(3))
    expect(Object.isFrozen(actor)).toBe(true)
    expect(Object.isFrozen(actor?.act?.act)).toBe(true)
  })
})

describe('isReadableMayAct', () => {
  it('[TX-11] wants an object with a string sub, or nothing', () => {
    for (const value of [undefined, { sub: 'a' }, { sub: 'a', iss: 'b' }]) expect(isReadableMayAct(value)).toBe(true)
    for (const value of [null, 'a', [], {}, { sub: 1 }, [{ sub: 'a' }], Object.create({ sub: 'a' })]) {
      expect(isReadableMayAct(value), JSON.stringify(value)).toBe(false)
    }
  })
})
