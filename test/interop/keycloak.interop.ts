import { afterAll, beforeAll, describe, inject } from 'vitest'
import { describeChecker } from './checker.js'
import { describeBindings } from './keycloak/bindings.js'
import { describeClients } from './keycloak/clients.js'
import { describeLogins } from './keycloak/logins.js'
import { describeSessions } from './keycloak/sessions.js'
import { describeTokens } from './keycloak/tokens.js'
import { openWorld, type World } from './keycloak/world.js'

describe('Keycloak', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(inject('folder'))
    console.log(`${world.keycloak.version}, the realm is ${world.keycloak.issuer}`)
  })
  afterAll(() => world?.close())

  describeTokens(() => world)
  describeBindings(() => world)
  describeClients(() => world, inject('folder'))
  describeLogins(() => world)
  describeChecker(async () => {
    const { accessToken, idToken = '' } = await world.browserTokens('web')
    return {
      issuer: world.keycloak.issuer,
      audiences: { api: world.orders.origin, client: 'web' },
      accessToken,
      idToken,
    }
  })
  describeSessions(() => world)
})
