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

const path = (name: string) => ({ whole: name, steps: undefined })

describe('what a profile reads', () => {
  it('[REAL-34] is what RFC 9068 names where nothing is given', () => {
    const settings = toClaimProfileSettings()
    expect(settings).toEqual({
      clientId: [path('client_id')],
      scope: [path('scope'), path('scp')],
      roles: [{ ...path('roles'), form: 'names' }],
      tenant: [],
      subjectStandIn: [],
      clientToken: undefined,
      userToken: undefined,
    })
    expect(Object.isFrozen(settings)).toBe(true)
    for (const list of [settings.clientId, settings.scope, settings.roles]) expect(Object.isFrozen(list)).toBe(true)
  })

  it('[REAL-34] is what the profile names, one place or several', () => {
    const settings = toClaimProfileSettings({
      clientId: 'azp',
      scope: ['scp', ['a.b', 'c']],
      roles: ['groups', { claim: 'realm.roles', form: 'object-keys' }],
      tenant: 'tid',
      subjectStandIn: ['oid', 'uid'],
      clientToken: { idtyp: 'app' },
      userToken: { scp: { present: true } },
    })
    expect(settings).toMatchObject({
      clientId: [path('azp')],
      scope: [path('scp'), { whole: undefined, steps: ['a.b', 'c'] }],
      roles: [
        { ...path('groups'), form: 'names' },
        { whole: 'realm.roles', steps: ['realm', 'roles'], form: 'object-keys' },
      ],
      tenant: [path('tid')],
      subjectStandIn: [path('oid'), path('uid')],
    })
    expect(settings.clientToken?.({ idtyp: 'app' })).toBe(true)
    expect(settings.userToken?.({ idtyp: 'app' })).toBe(false)
    expect(toClaimProfileSettings({ roles: { claim: 'r', form: 'comma-list' } }).roles).toEqual([
      { ...path('r'), form: 'comma-list' },
    ])
  })

  it.each<[unknown, string]>([
    [{ role: 'r' }, '`claimProfile` has no option `role`. Did you mean `roles`?'],
    [{ roles: { claim: 'r' } }, "`claimProfile.roles.form` takes one of 'object-keys', 'comma-list'."],
    [{ roles: { claim: 'r', form: 'names' } }, "`claimProfile.roles.form` takes one of 'object-keys', 'comma-list'."],
    [{ roles: [{ claim: 'r', form: 'comma-list', x: 1 }] }, 'A place of `claimProfile.roles` has no option `x`.'],
    [{ roles: [{ claim: '', form: 'comma-list' }] }, '`claimProfile.roles` takes names of claims'],
    [{ clientId: 5 }, '`claimProfile.clientId` takes names of claims'],
    [{ clientToken: {} }, '`claimProfile.clientToken` takes conditions by claim'],
    [{ userToken: [] }, '`claimProfile.userToken` takes conditions by claim'],
  ])('[REAL-34] stops the start for %j', (profile, message) => {
    expect(() => toClaimProfileSettings(profile as never)).toThrow(message)
  })
})
