import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { hideSecrets } from '../../../src/kit/hidden.js'

describe('hideSecrets', () => {
  const tokens = hideSecrets({ scope: 'read' }, { accessToken: 'canary', more: { idToken: 'canary' } })

  it('reads like any other member', () => {
    expect([tokens.scope, tokens.accessToken, tokens.more.idToken]).toEqual(['read', 'canary', 'canary'])
    expect(Object.isFrozen(tokens)).toBe(true)
  })

  it('shows a secret neither to whoever prints nor to whoever copies it', () => {
    for (const shown of [inspect(tokens), inspect(tokens, { showHidden: true }), JSON.stringify(tokens)]) {
      expect(shown).toContain('read')
      expect(shown).not.toContain('canary')
    }
    expect({ ...tokens }).toEqual({ scope: 'read' })
  })
})
