/**
 * Presets: what a resource server has to know about the tokens of a provider, as plain data. Each is a function from few
 * parameters to `IssuerOptions`, to be taken as it is or spread into options of your own. They import nothing.
 *
 * @module
 */
export { type Auth0Parameters, auth0 } from './auth0.js'
export { type AuthentikOptions, authentik } from './authentik.js'
export { type ClerkOptions, type ClerkSessionOptions, clerk, clerkSession } from './clerk.js'
export { type CloudflareAccessOptions, cloudflareAccess } from './cloudflare-access.js'
export { type CognitoOptions, cognito } from './cognito.js'
export { type DuendeOptions, duende } from './duende.js'
export { type EntraApi, type EntraOptions, type EntraTenantsOptions, entra, entraTenants } from './entra.js'
export { type FirebaseOptions, firebase } from './firebase.js'
export { type GithubOptions, github } from './github.js'
export { type GithubActionsOptions, githubActions } from './github-actions.js'
export { type GitlabCiOptions, gitlabCi } from './gitlab-ci.js'
export { type GoogleIapOptions, googleIap } from './google-iap.js'
export { type GoogleServiceIdentityOptions, googleServiceIdentity } from './google-service-identity.js'
export { type HydraOptions, hydra } from './hydra.js'
export { type KeycloakOptions, keycloak } from './keycloak.js'
export { type KubernetesOptions, kubernetes } from './kubernetes.js'
export { type OktaOptions, okta } from './okta.js'
export { type Rfc9068Parameters, rfc9068 } from './rfc9068.js'
export { type SpiffeOptions, spiffe } from './spiffe.js'
export { type SpringAuthorizationServerOptions, springAuthorizationServer } from './spring-authorization-server.js'
export { type SupabaseOptions, supabase } from './supabase.js'
export { type WorkosOptions, workos } from './workos.js'
export { type ZitadelOptions, zitadel } from './zitadel.js'
