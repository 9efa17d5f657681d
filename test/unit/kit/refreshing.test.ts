import { describe, expect, it } from 'vitest'
import { cacheLifetimeMs } from '../../../src/kit/refreshing.js'

const bounds = { minSeconds: 60, maxSeconds: 86_400, defaultSeconds: 3600 }

describe('cacheLifetimeMs', () => {
  it.each([
    [{}, 3600],
    [{ 'cache-control': 'public' }, 3600],
    [{ 'cache-control': 'max-age=600' }, 600],
    [{ 'cache-control': 'public, Max-Age = "600", must-revalidate' }, 600],
    [{ 'cache-control': 's-maxage=600' }, 3600],
    [{ 'cache-control': 'x-max-age=600' }, 3600],
    [{ 'cache-control': 'max-age=soon' }, 3600],
    [{ 'cache-control': 'max-age=-5' }, 3600],
    [{ 'cache-control': 'max-age=0' }, 60],
    [{ 'cache-control': 'max-age=99999999999999999999999' }, 86_400],
    [{ 'cache-control': 'no-store' }, 60],
    [{ 'cache-control': 'max-age=600, no-cache' }, 60],
    [{ 'cache-control': 'no-cache="set-cookie", max-age=600' }, 60],
    [{ 'cache-control': 'max-age=600', age: '100' }, 500],
    [{ 'cache-control': 'max-age=600', age: '599' }, 60],
    [{ 'cache-control': 'max-age=600', age: 'old' }, 600],
    [{ 'cache-control': 'max-age=600', age: '-100' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100.5' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100, 200' }, 600],
    [{ 'cache-control': 'max-age=600', age: '1e2' }, 600],
    [{ 'cache-control': 'max-age=600', age: '' }, 600],
    [{ age: '100' }, 3600],
  ])('[JWKS-02] [ASM-09] reads %j as %i seconds', (headers, seconds) => {
    expect(cacheLifetimeMs(new Headers(headers as Record<string, string>), bounds)).toBe(seconds * 1000)
  })

  it('[JWKS-02] clamps the default as well', () => {
    expect(cacheLifetimeMs(new Headers(), { ...bounds, defaultSeconds: 1 })).toBe(60_000)
    expect(cacheLifetimeMs(new Headers(), { ...bounds, defaultSeconds: 1e9 })).toBe(86_400_000)
  })
})
