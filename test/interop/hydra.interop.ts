import { afterAll, beforeAll, describe, inject } from 'vitest'
import { describeChecker } from './checker.js'
import { describeSessions } from './hydra/sessions.js'
import { describeTokens } from './hydra/tokens.js'
import { openWorld, type World } from './hydra/world.js'

describe('Ory Hydra', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(inject('folder'))
    console.log(`Ory Hydra ${world.hydra.version}, the issuer is ${world.hydra.issuer}`)
  })
  afterAll(() => world?.close())

  describeTokens(() => world)
  describeChecker(async () => {
    const { accessToken, idToken = '' } = await world.browserTokens('web')
    return { issuer: world.hydra.issuer, audiences: { api: world.orders.origin, client: 'web' }, accessToken, idToken }
  })
  describeSessions(() => world)
})
