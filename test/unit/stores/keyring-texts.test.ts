import { describe, expect, it } from 'vitest'
import { sha256Base64url } from '#crypto'
import { createKeyringTexts } from '../../../src/stores/keyring/keyring-texts.js'

/** A keyring that ends after some steps, as when the process does. */
function setUp() {
  const secrets = new Map<string, string>()
  const log: string[] = []
  const state = { stepsLeft: Number.POSITIVE_INFINITY, onGet: (_name: string) => {} }
  const step = (line: string) => {
    if (state.stepsLeft-- <= 0) throw new Error('ended')
    log.push(line)
  }
  const texts = createKeyringTexts({
    async get(name) {
      state.onGet(name)
      return secrets.get(name)
    },
    async set(name, secret) {
      step(`set ${name}`)
      secrets.set(name, secret)
    },
    async delete(name) {
      step(`delete ${name}`)
      return secrets.delete(name)
    },
  })
  const confirm = async () => void log.push('confirm')
  return { secrets, log, state, texts, write: (text: string) => texts.write('n', text, confirm) }
}

const chunk = 1200
const [one, two, three] = ['a', 'b', 'c'].map((fill, at) => fill.repeat(chunk * (at + 1))) as [string, string, string]
const corrupt = (detail: string) => expect.objectContaining({ code: 'ERR_TOKEN_STORE_CORRUPT', detail })

async function indexOf(secrets: Map<string, string>) {
  return JSON.parse(secrets.get('n') as string)
}

describe('a text in a keyring', () => {
  it('[F11] is kept in parts of 1,200 characters, behind an index that is written last', async () => {
    const { secrets, log, texts, write } = setUp()
    expect(await texts.read('n')).toBeUndefined()
    await write(`${two}x`)
    expect(log).toEqual(['set n.1.0', 'set n.1.1', 'set n.1.2', 'delete n.1.3', 'confirm', 'set n'])
    expect([...secrets.keys()]).toEqual(['n.1.0', 'n.1.1', 'n.1.2', 'n'])
    expect(['n.1.0', 'n.1.1', 'n.1.2'].map((name) => secrets.get(name)?.length)).toEqual([chunk, chunk, 1])
    expect(await indexOf(secrets)).toEqual({
      ...{ v: 1, generation: 1, count: 3, length: 2401 },
      sha256: await sha256Base64url(`${two}x`),
    })
    expect(await texts.read('n')).toBe(`${two}x`)
  })

  it('[F11] is ASCII there, and the same JSON', async () => {
    const { secrets, texts, write } = setUp()
    const json = JSON.stringify({ text: 'ümläut \u{1f511}~\u007f', plain: ' !~' })
    await write(json)
    expect([...secrets.values()].join('')).toMatch(/^[\x20-\x7e]*$/)
    expect(secrets.get('n.1.0')).toContain('\\u00fcml\\u00e4ut \\ud83d\\udd11~\\u007f')
    expect(JSON.parse((await texts.read('n')) as string)).toEqual(JSON.parse(json))
  })

  it('[A2] takes the place of the one before it, whose parts go, the last one first', async () => {
    const { secrets, log, texts, write } = setUp()
    await write(two)
    log.length = 0
    await write(three)
    expect(log).toEqual([
      ...['set n.2.0', 'set n.2.1', 'set n.2.2', 'delete n.2.3', 'confirm', 'set n'],
      ...['delete n.1.1', 'delete n.1.0'],
    ])
    expect((await indexOf(secrets)).replaced).toEqual({ generation: 1, count: 2 })
    expect(await texts.read('n')).toBe(three)
    log.length = 0
    await write('')
    expect(log).toEqual([
      ...['delete n.3.0', 'confirm', 'set n', 'delete n.1.1', 'delete n.1.0'],
      ...['delete n.2.2', 'delete n.2.1', 'delete n.2.0'],
    ])
    expect(await texts.read('n')).toBe('')
    expect([...secrets.keys()]).toEqual(['n'])
  })

  it('[A2] has no parts left of a longer write that never came to its index', async () => {
    const { secrets, state, write } = setUp()
    await write(one)
    state.stepsLeft = 3
    await expect(write(three)).rejects.toThrow('ended')
    expect(secrets.has('n.2.2')).toBe(true)
    state.stepsLeft = Number.POSITIVE_INFINITY
    await write('short')
    expect([...secrets.keys()].sort()).toEqual(['n', 'n.2.0'])
  })

  it('[A2] is the old one or the new one, whole, wherever a write or a removal ends', async () => {
    for (const work of ['write', 'remove'] as const) {
      for (let steps = 0; ; steps++) {
        const { secrets, state, texts, write } = setUp()
        await write(one)
        await write(two)
        state.stepsLeft = steps
        const outcome = await (work === 'write' ? write(three) : texts.remove('n')).catch(() => 'ended')
        state.stepsLeft = Number.POSITIVE_INFINITY
        const found = await texts.read('n')
        if (work === 'write') expect([two, three]).toContain(found)
        else if (steps === 0) expect(found).toBe(two)
        else expect(found).toBeUndefined()
        await write('again')
        expect(await texts.read('n')).toBe('again')
        await write('and again')
        expect(await texts.remove('n')).toBe(true)
        expect([...secrets.keys()], `${work} ${steps}`).toEqual([])
        if (outcome !== 'ended') break
      }
    }
  })

  it('[A2] is marked before it is removed, and removed once', async () => {
    const { secrets, log, state, texts, write } = setUp()
    expect(await texts.remove('n')).toBe(false)
    await write(one)
    await write(two)
    log.length = 0
    state.stepsLeft = 1
    await expect(texts.remove('n')).rejects.toThrow('ended')
    expect(await indexOf(secrets)).toMatchObject({ removed: true, count: 2 })
    expect(await texts.read('n')).toBeUndefined()
    state.stepsLeft = Number.POSITIVE_INFINITY
    log.length = 0
    expect(await texts.remove('n')).toBe(false)
    expect(log).toEqual([...['set n', 'delete n.1.0', 'delete n.2.1', 'delete n.2.0', 'delete n.3.0', 'delete n']])
    secrets.set('n', 'damaged')
    log.length = 0
    expect(await texts.remove('n')).toBe(true)
    expect([log, [...secrets.keys()]]).toEqual([['delete n'], []])
  })

  it('[S1-42] is damaged where a part is missing, cut or another one', async () => {
    for (const [name, part] of [
      ['n.1.1', undefined],
      ['n.1.1', 'b'.repeat(chunk - 1)],
      ['n.1.1', 'x'.repeat(chunk)],
      ['n.1.0', undefined],
    ] as const) {
      const { secrets, texts, write } = setUp()
      await write(two)
      if (part === undefined) secrets.delete(name)
      else secrets.set(name, part)
      await expect(texts.read('n')).rejects.toEqual(corrupt('Parts of an entry are missing.'))
    }
  })

  const index = { v: 1, generation: 1, count: 0, length: 0, sha256: 'x' }
  it.each<[string, unknown]>([
    ['no JSON', undefined],
    ['a list', []],
    ['another version', { ...index, v: 2 }],
    ['a generation that is no whole number', { ...index, generation: 1.5 }],
    ['a generation in words', { ...index, generation: '1' }],
    ['no generation', { ...index, generation: undefined }],
    ['a count below zero', { ...index, count: -1 }],
    ['half a part', { ...index, count: 0.5 }],
    ['more parts than there can be', { ...index, count: 480_001 }],
    ['no count', { ...index, count: undefined }],
    ['no length', { ...index, length: undefined }],
    ['a length of more than all parts', { ...index, length: 480_001 }],
    ['no hash', { ...index, sha256: undefined }],
    ['a hash that is a number', { ...index, sha256: 7 }],
    ['replaced parts without a count', { ...index, replaced: {} }],
    ['replaced parts that are too many', { ...index, replaced: { generation: 1, count: 480_001 } }],
  ])('[S1-42] is damaged where its index has %s, and can be written anew', async (_name, odd) => {
    const { secrets, texts, write } = setUp()
    secrets.set('n', odd === undefined ? '{' : JSON.stringify(odd))
    await expect(texts.read('n')).rejects.toEqual(corrupt('The index of an entry is damaged.'))
    await write('anew')
    expect(await texts.read('n')).toBe('anew')
    expect(await indexOf(secrets)).not.toHaveProperty('replaced')
  })

  it('is read again where it is written meanwhile, five times at most', async () => {
    const { secrets, state, texts, write } = setUp()
    await write(two)
    let writes = 0
    const disturb = (times: number) => {
      state.onGet = (name) => {
        if (!name.endsWith('.1') || writes >= times) return
        writes += 1
        const before = JSON.parse(secrets.get('n') as string)
        for (const one of [...secrets.keys()]) if (one !== 'n') secrets.delete(one)
        secrets.set('n', JSON.stringify({ ...before, generation: before.generation + 1 }))
        if (writes < times) return
        secrets.set(`n.${before.generation + 1}.0`, two.slice(0, chunk))
        secrets.set(`n.${before.generation + 1}.1`, two.slice(chunk))
      }
    }
    disturb(1)
    expect(await texts.read('n')).toBe(two)
    let reads = 0
    state.onGet = (name) => {
      if (name !== 'n') return
      reads += 1
      secrets.set('n', JSON.stringify({ ...index, generation: 100 + reads, count: 1, length: 1 }))
    }
    expect(await texts.read('n')).toBeUndefined()
    expect(reads).toBe(6)
  })

  it('is read again where it was deleted and written anew under the same number, and is nothing where it was only deleted', async () => {
    for (const isAnew of [true, false]) {
      const { secrets, state, texts, write } = setUp()
      await write(two)
      const other = setUp()
      await other.write(three)
      state.onGet = (name) => {
        if (name !== 'n.1.1') return
        state.onGet = () => {}
        secrets.clear()
        if (isAnew) for (const [key, secret] of other.secrets) secrets.set(key, secret)
      }
      expect(await texts.read('n')).toBe(isAnew ? three : undefined)
    }
  })

  it('[A2] goes part by part where it replaced nothing', async () => {
    const { secrets, log, texts, write } = setUp()
    await write(two)
    log.length = 0
    expect(await texts.remove('n')).toBe(true)
    expect(log).toEqual(['set n', 'delete n.1.1', 'delete n.1.0', 'delete n.2.0', 'delete n'])
    expect(secrets.size).toBe(0)
  })

  it('has at most 400 parts', async () => {
    const { log, texts, write } = setUp()
    const most = 'x'.repeat(480_000)
    await write(most)
    expect(await texts.read('n')).toBe(most)
    log.length = 0
    await expect(write(`${most}x`)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CONFIGURATION',
      detail: 'A text in the keyring has at most 400 parts of 1200 characters.',
    })
    expect(log).toEqual([])
  })
})
