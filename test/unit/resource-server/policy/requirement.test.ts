import { mergeRequirements } from 'portcullis'
import { describe, expect, it } from 'vitest'

describe('mergeRequirements', () => {
  it('[MCP-08] adds scopes up, whatever their shape, so that one challenge names them all', () => {
    const merged = mergeRequirements({ scope: 'a b' }, undefined, { scope: { any: ['c', 'd'] } }, { acr: 'gold' })
    expect(merged).toEqual({ scope: { all: ['a b', { any: ['c', 'd'] }] }, acr: 'gold' })
  })

  it('[REAL-34] adds up roles, as it does scopes', () => {
    const merged = mergeRequirements({ roles: 'staff', scope: 'a' }, { roles: { any: ['editor', 'admin'] } }, {})
    expect(merged).toEqual({ scope: 'a', roles: { all: ['staff', { any: ['editor', 'admin'] }] } })
    expect(mergeRequirements({ roles: 'staff' }, { roles: undefined })).toEqual({ roles: 'staff' })
  })

  it('lets the innermost win for any other member', () => {
    const outer = { scope: 'a', acr: 'gold', maxAgeSeconds: 60 }
    expect(mergeRequirements(outer, { acr: 'silver' })).toEqual({ scope: 'a', acr: 'silver', maxAgeSeconds: 60 })
    expect(outer.acr).toBe('gold')
  })

  it('[BEAR-12] takes nothing away for a member that is undefined', () => {
    const outer = { scope: 'admin', claims: { tenant: 'a' }, acr: 'gold', dpop: 'required' } as const
    const nothing = { scope: undefined, claims: undefined, acr: undefined, dpop: undefined, allow: undefined }
    expect(mergeRequirements(outer, nothing)).toEqual(outer)
    expect(mergeRequirements(nothing, outer, undefined, nothing)).toEqual(outer)
    expect(mergeRequirements(outer, { ...nothing, scope: 'read' })).toMatchObject({ scope: { all: ['admin', 'read'] } })
  })

  it('makes the empty requirement of nothing', () => {
    expect(mergeRequirements()).toEqual({})
  })
})
