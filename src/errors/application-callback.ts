/** A function of the application that Portcullis calls. */
export type ApplicationCallback =
  | 'allow'
  | 'claims'
  | 'authorizationDetails'
  | 'isRevoked'
  | 'issuer'
  | 'tenants'
  | 'sign'
  | 'actor'
  | 'mapRefusal'
