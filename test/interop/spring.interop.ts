import { afterAll, beforeAll, describe, inject } from 'vitest'
import { describeChecker } from './checker.js'
import { describeTokens } from './spring/tokens.js'
import { openWorld, type World } from './spring/world.js'

describe('Spring Authorization Server', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(inject('folder'))
    console.log(`Spring Authorization Server, the issuer is ${world.spring.issuer}`)
  })
  afterAll(() => world?.close())

  describeTokens(() => world)
  describeChecker(async () => {
    const { accessToken, idToken = '' } = await world.browserTokens()
    return { issuer: world.spring.issuer, audiences: { api: 'web', client: 'web' }, accessToken, idToken }
  })
})
