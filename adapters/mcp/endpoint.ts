import type { Auth } from '../../src/index.js'
import type { AuthInfo } from './auth-info.js'
import type { Judge } from './judge.js'

/** What the guards of every framework are made of. */
export interface Endpoint<Claims> {
  readonly judge: Judge<Claims>
  describe(auth: Auth<Claims>): AuthInfo
  /** Whether the body has a say. */
  readonly readsBody: boolean
}
