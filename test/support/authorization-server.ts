export * from '../../examples/support/authorization-server.js'
export { followToRedirect, requestToken, signIn } from '../../examples/support/sign-in.js'
