import type { OAuthClient } from 'portcullis/client'
import { expectTypeOf, it } from 'vitest'
import type { GrantClient } from '../../../src/grants/exchange.js'

it('gives the grant engine what it needs of a client', () => {
  expectTypeOf<OAuthClient>().toExtend<GrantClient>()
})
