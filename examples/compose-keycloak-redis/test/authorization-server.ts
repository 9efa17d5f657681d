/** Who signs users in while a test runs. */
export interface AuthorizationServer {
  readonly issuer: string
  /** Signs a user in, and gives a token with these scopes. */
  login(user: string, scope: string): Promise<Login>
  close(): Promise<void>
}

/** A session at the authorization server. */
export interface Login {
  readonly accessToken: string
  /** Ends the session; the authorization server tells the API before this resolves. */
  logout(): Promise<void>
}

/** What an authorization server is told of the API. */
export interface Surroundings {
  readonly resource: string
  readonly logoutUrl: string
}
