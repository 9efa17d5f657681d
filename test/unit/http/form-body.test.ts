import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { isForm, readFetchForm, readNodeForm, type UnreadRequest } from '../../../src/http/form-body.js'
import { requestFacts } from '../../support/request-facts.js'

const type = 'application/x-www-form-urlencoded'

function node(parts: readonly string[], contentType: string | undefined = type, further = {}): UnreadRequest {
  return {
    headers: { 'content-type': contentType },
    async *[Symbol.asyncIterator]() {
      for (const part of parts) yield new TextEncoder().encode(part)
    },
    ...further,
  }
}

const web = (body: string | null, contentType = type) =>
  new Request('https://app.example.com', { method: 'POST', body, headers: { 'content-type': contentType } })

describe('readNodeForm and readFetchForm', () => {
  it('read a form, in whatever parts it comes', async () => {
    const form = await readNodeForm(node(['a=1&b', '=2&a=3'], `${type}; charset=UTF-8`))
    expect([...(form ?? [])]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ])
    const bytes = [...new TextEncoder().encode('a=é')]
    async function* halves() {
      for (const byte of bytes) yield Uint8Array.of(byte)
    }
    const split = { headers: { 'content-type': type }, [Symbol.asyncIterator]: halves }
    expect((await readNodeForm(split))?.get('a')).toBe('é')
    expect((await readFetchForm(web('a=1&a=2')))?.getAll('a')).toEqual(['1', '2'])
  })

  it('leave alone what is no form, or was read before', async () => {
    expect(await readNodeForm(node(['{}'], 'application/json'))).toBeUndefined()
    expect(await readNodeForm({ ...node(['a=1']), headers: {} })).toBeUndefined()
    expect(await readNodeForm(node(['a=1'], type, { readableDidRead: true }))).toBeUndefined()
    expect(await readFetchForm(web('{}', 'application/json'))).toBeUndefined()
    expect(await readFetchForm(web(null))).toBeUndefined()
    const read = web('a=1')
    await read.text()
    expect(await readFetchForm(read)).toBeUndefined()
  })

  it('leave the connection open where a form is too long', async () => {
    const request = Object.assign(new Readable({ read() {} }), { headers: { 'content-type': type } })
    request.push(Buffer.alloc(80_000))
    expect(String(await readNodeForm(request))).toBe('')
    expect(request.destroyed).toBe(false)
    request.destroy()
  })

  it('do not read on where a form is too long', async () => {
    let sent = 0
    async function* endless() {
      for (;;) {
        sent += 1
        yield new Uint8Array(10_000)
      }
    }
    const request = { headers: { 'content-type': type }, [Symbol.asyncIterator]: endless }
    expect(String(await readNodeForm(request))).toBe('')
    expect(sent).toBe(8)
    expect(String(await readFetchForm(web(`a=${'x'.repeat(80_000)}`)))).toBe('')
    const longest = 'x'.repeat(72 * 1024 - 2)
    expect((await readNodeForm(node(['a=', longest])))?.get('a')).toBe(longest)
    expect(String(await readNodeForm(node(['a=', longest, 'x'])))).toBe('')
  })
})

describe('isForm', () => {
  const says = (...fields: string[]) => isForm(requestFacts({ headers: { 'content-type': fields } }))

  it('[REAL-45] goes by the one Content-Type of the request', () => {
    for (const good of [type, `${type};charset=utf-8`, `${type} \t; x=y`, `${type} `, type.toUpperCase()]) {
      expect(says(good), good).toBe(true)
    }
    for (const other of ['', 'application/json', `x${type}`, `${type}x`, `a/b; ${type}`, `${type}, ${type}`]) {
      expect(says(other), other).toBe(false)
    }
    expect([says(), says(type, type), says(type, 'application/json')]).toEqual([false, false, false])
    expect(isForm(requestFacts({ headers: { accept: type } }))).toBe(false)
  })
})
