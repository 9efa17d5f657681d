/**
 * Presets: what a resource server has to know about the tokens of a provider, as plain data. Each is a function from few
 * parameters to `IssuerOptions`, to be taken as it is or spread into options of your own. They import nothing.
 *
 * @module
 */
export { type Auth0Parameters, auth0 } from './auth0.js'
export { type AuthentikParameters, authentik } from './authentik.js'
export { type ClerkParameters, type ClerkSessionParameters, clerk, clerkSession } from './clerk.js'
export { type CloudflareAccessParameters, cloudflareAccess } from './cloudflare-access.js'
export { type CognitoParameters, cognito } from './cognito.js'
export { type DuendeParameters, duende } from './duende.js'
export { type EntraApi, type EntraParameters, type EntraTenantsParameters, entra, entraTenants } from './entra.js'
export { type FirebaseParameters, firebase } from './firebase.js'
export { type GithubParameters, github } from './github.js'
export { type GithubActionsParameters, githubActions } from './github-actions.js'
export { type GitlabCiParameters, gitlabCi } from './gitlab-ci.js'
export { type GoogleIapParameters, googleIap } from './google-iap.js'
export { type GoogleServiceIdentityParameters, googleServiceIdentity } from './google-service-identity.js'
export { type HydraParameters, hydra } from './hydra.js'
export { type KeycloakParameters, keycloak } from './keycloak.js'
export { type KubernetesParameters, kubernetes } from './kubernetes.js'
export { type OktaParameters, okta } from './okta.js'
export { type Rfc9068Parameters, rfc9068 } from './rfc9068.js'
export { type SpiffeParameters, spiffe } from './spiffe.js'
export { type SpringAuthorizationServerParameters, springAuthorizationServer } from './spring-authorization-server.js'
export { type SupabaseParameters, supabase } from './supabase.js'
export { type WorkosParameters, workos } from './workos.js'
export { type ZitadelParameters, zitadel } from './zitadel.js'
