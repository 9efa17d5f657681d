import { expect, it } from 'vitest'
import { InvalidTokenError } from '../../../../src/errors/index.js'
import { toAnswer } from '../../../../src/resource-server/challenge/answer.js'

const context = {
  metadataUrl: 'https://api.example.com/.well-known/oauth-protected-resource',
  scope: undefined,
  scheme: 'Bearer',
  dpopAlgorithms: ['ES256'],
  cors: true,
} as const

it('[DPOP-26] answers an unbound token with a DPoP challenge where only bound tokens are taken', () => {
  const answer = toAnswer(new InvalidTokenError('ERR_TOKEN_UNBOUND'), { ...context, bearerOffered: false })

  expect(answer.headers['WWW-Authenticate']).toEqual([
    `DPoP error="invalid_token", algs="ES256", resource_metadata="${context.metadataUrl}", error_description="The access token is not bound to a key"`,
  ])
})

it('[E-11] keeps the error on Bearer where Bearer is offered and a certificate is what lacks', () => {
  const answer = toAnswer(new InvalidTokenError('ERR_TOKEN_UNBOUND'), { ...context, bearerOffered: true })

  expect(answer.headers['WWW-Authenticate']?.[0]).toMatch(/^Bearer error="invalid_token"/)
})
