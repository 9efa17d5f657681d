import type { Revocation } from 'portcullis'
import { describe, expect, it, vi } from 'vitest'
import { createRevocationList } from '../../../src/revocation/revocation.js'
import { createMemoryRevocationStore } from '../../../src/stores/memory/memory-revocation-store.js'

vi.mock('#crypto', () => import('../../../src/jws/crypto/web.js'))

describe('revocation where digests take a while', () => {
  it('waits for them, and rejects for a revoked token', async () => {
    const settings = { isShared: false, ttlSeconds: 60, leewayMsOf: () => 0, clock: () => 1000, onEvent: undefined }
    const list = createRevocationList({ store: createMemoryRevocationStore({ clock: () => 1000 }), ...settings })
    const revocation: Revocation = { issuer: 'https://a.test', sub: 'x' }
    await list.revoke(revocation)
    const token = { issuer: 'https://a.test', subject: 'x', tokenClaims: {} }
    const checked = list.check(token)
    expect(checked).toBeInstanceOf(Promise)
    await expect(checked).rejects.toMatchObject({ code: 'ERR_TOKEN_REVOKED' })
    await expect(list.check({ ...token, subject: 'y' })).resolves.toBeUndefined()
  })
})
