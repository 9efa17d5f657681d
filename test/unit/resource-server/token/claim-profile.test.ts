import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'

describe('toClaimProfileSettings', () => {
  it.each(['clientId', 'scope', 'roles', 'tenant', 'subjectStandIn'] as const)(
    '[REAL-34] stops the start for an empty list of places of `%s`, and names the option',
    (name) => {
      expect(() => toClaimProfileSettings({ [name]: [] })).toThrow(ConfigurationError)
      expect(() => toClaimProfileSettings({ [name]: [] })).toThrow(`\`claimProfile.${name}\``)
    },
  )
})
