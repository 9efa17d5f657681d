export * from '../../examples/support/authorization-server.js'
export type { ResourceDefinition } from '../../examples/support/provider-configuration.js'
export {
  followToRedirect,
  type ProofSigner,
  requestToken,
  signIn,
  type TokenResponse,
  type UserTokenRequest,
} from '../../examples/support/sign-in.js'
export { type Actor, tokenExchangeGrantType } from '../../examples/support/token-exchange-grant.js'
