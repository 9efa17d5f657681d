/** Errors of logins on a user's machine. Those of the login itself are the client's. */
import { OAuthClientError } from '../client/errors.js'

/** The application gave the login up: its signal aborted. @group Native login */
export class LoginCancelledError extends OAuthClientError {
  constructor() {
    super('ERR_LOGIN_CANCELLED', { operation: 'login' })
  }
}

/** No address of this machine can be listened on. The message names the ports and what else there is. @group Native login */
export class LoopbackError extends OAuthClientError {
  constructor(code: 'ERR_LOOPBACK_UNAVAILABLE', message: string) {
    super(code, { operation: 'login', message })
  }
}
