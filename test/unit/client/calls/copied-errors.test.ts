import { OAuthClientError } from 'portcullis/client'
import { expect, it, vi } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'

it('[S0-65] stays the one it is where a second copy of the library made it', async () => {
  vi.resetModules()
  const copy = await import('../../../../src/client/errors.js')
  const foreign = new copy.CredentialError('ERR_CREDENTIAL_UNAVAILABLE')
  expect(foreign).not.toBeInstanceOf(OAuthClientError)
  const authenticate = () => {
    throw foreign
  }
  const { client } = setUpClient({ credential: { method: 'none', clientId: 'app', authenticate } as never })
  expect(await rejection(client.revoke('t'))).toBe(foreign)
})
