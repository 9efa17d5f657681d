import type { Auth } from 'portcullis'

/** What one hop sees of its caller: the user, who acts for the user, and what for. */
export function sight({ subject, actor, scopes, scheme }: Auth) {
  return { subject, actor, scopes, scheme }
}
