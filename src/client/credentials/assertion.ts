import type { CredentialFields } from './contract.js'

/** The form parameters of an assertion (RFC 7523 §2.2). */
export function assertionFields(assertion: string, clientId: string | undefined): CredentialFields {
  const form = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
  return { form: clientId === undefined ? form : { ...form, client_id: clientId } }
}
