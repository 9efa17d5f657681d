import {
  AccessDeniedError,
  ConfigurationError,
  DpopNonceRequiredError,
  InsufficientScopeError,
  InternalError,
  InvalidProofError,
  InvalidRequestError,
  InvalidTokenError,
  MissingTokenError,
  ResourceAccessError,
  StepUpRequiredError,
  UnavailableError,
} from 'portcullis'
import { describe, expect, it } from 'vitest'
import { toAnswer } from '../../../../src/resource-server/challenge/answer.js'
import type { AnswerSettings } from '../../../../src/resource-server/challenge/challenge.js'

const metadataUrl = 'https://api.example/.well-known/oauth-protected-resource'
const metadata = `resource_metadata="${metadataUrl}"`
const bearerOnly: AnswerSettings = {
  metadataUrl,
  scope: undefined,
  scheme: undefined,
  bearerOffered: true,
  dpopAlgorithms: undefined,
  cors: false,
}
const both: AnswerSettings = { ...bearerOnly, dpopAlgorithms: ['ES256', 'PS256'] }
const dpopOnly: AnswerSettings = { ...both, bearerOffered: false }
const algs = 'algs="ES256 PS256"'

function challenges(error: unknown, context: AnswerSettings) {
  return toAnswer(error, context).headers['WWW-Authenticate']
}

describe('the challenge of a request without credentials', () => {
  it('[E-01] [BEAR-06] [BEAR-10] [C-04] names the metadata and no error', () => {
    const answer = toAnswer(new MissingTokenError(), bearerOnly)
    expect(answer).toEqual({
      status: 401,
      headers: { 'Cache-Control': 'no-store', 'WWW-Authenticate': [`Bearer ${metadata}`] },
      body: '',
    })
  })

  it('[E-01] [C-05] [PRM-10] lists Bearer first and DPoP in a field of its own, each with what the route needs', () => {
    expect(challenges(new MissingTokenError(), { ...both, scope: 'mail:read mail:send' })).toEqual([
      `Bearer ${metadata}, scope="mail:read mail:send"`,
      `DPoP ${algs}, ${metadata}, scope="mail:read mail:send"`,
    ])
  })

  it('[E-01] lists only DPoP where bound tokens are demanded', () => {
    expect(challenges(new MissingTokenError(), dpopOnly)).toEqual([`DPoP ${algs}, ${metadata}`])
  })
})

describe('the challenge of malformed credentials', () => {
  it('[E-02] puts invalid_request on the scheme used and nothing else', () => {
    const error = new InvalidRequestError('ERR_REQUEST_MALFORMED')
    const answer = toAnswer(error, { ...both, scheme: 'DPoP' })
    expect(answer.status).toBe(400)
    expect(answer.headers['WWW-Authenticate']).toEqual([
      `DPoP error="invalid_request", ${algs}, ${metadata}, error_description="The credentials in the request are malformed"`,
    ])
    expect(JSON.parse(answer.body)).toEqual({
      error: 'invalid_request',
      error_description: 'The credentials in the request are malformed',
    })
  })

  it('[E-03] [C-03] puts invalid_request on each offered scheme when none stands out', () => {
    const error = new InvalidRequestError('ERR_REQUEST_AMBIGUOUS')
    const description = 'error_description="The request carries more than one access token"'
    expect(challenges(error, both)).toEqual([
      `Bearer error="invalid_request", ${metadata}, ${description}`,
      `DPoP error="invalid_request", ${algs}, ${metadata}, ${description}`,
    ])
    expect(challenges(error, dpopOnly)).toEqual([`DPoP error="invalid_request", ${algs}, ${metadata}, ${description}`])
  })
})

describe('the challenge of an unusable token', () => {
  const error = new InvalidTokenError('ERR_TOKEN_EXPIRED')
  const failed = `error="invalid_token", ${metadata}, error_description="The access token expired"`

  it('[E-04] [BEAR-11] [DPOP-23] puts the error on the scheme used and lists the other one without', () => {
    expect(challenges(error, { ...both, scheme: 'Bearer' })).toEqual([`Bearer ${failed}`, `DPoP ${algs}, ${metadata}`])
    expect(challenges(error, { ...both, scheme: 'DPoP' })).toEqual([
      `Bearer ${metadata}`,
      `DPoP error="invalid_token", ${algs}, ${metadata}, error_description="The access token expired"`,
    ])
    expect(challenges(error, { ...bearerOnly, scheme: 'Bearer' })).toEqual([`Bearer ${failed}`])
  })

  it('[E-07] [DPOP-22] names the DPoP algorithms to a client that sent a bound token as Bearer', () => {
    expect(challenges(new InvalidTokenError('ERR_TOKEN_BOUND'), { ...both, scheme: 'Bearer' })).toEqual([
      `Bearer error="invalid_token", ${metadata}, error_description="The access token is bound to a key and cannot be sent as a Bearer token"`,
      `DPoP ${algs}, ${metadata}`,
    ])
  })

  it('[DPOP-23] tells a client that used Bearer its error on Bearer, also where only DPoP is offered', () => {
    expect(challenges(error, { ...dpopOnly, scheme: 'Bearer' })).toEqual([
      `Bearer ${failed}`,
      `DPoP ${algs}, ${metadata}`,
    ])
  })

  it('[E-10] puts a key mismatch on DPoP with its algorithms', () => {
    expect(challenges(new InvalidTokenError('ERR_TOKEN_BINDING_MISMATCH'), { ...dpopOnly, scheme: 'DPoP' })).toEqual([
      `DPoP error="invalid_token", ${algs}, ${metadata}, error_description="The access token is bound to another key"`,
    ])
  })

  it('[DPOP-23] tells a client that used DPoP its error on DPoP, without algorithms, where only Bearer is offered', () => {
    expect(challenges(error, { ...bearerOnly, scheme: 'DPoP' })).toEqual([`Bearer ${metadata}`, `DPoP ${failed}`])
  })

  it('[E-11] keeps the error on Bearer where a certificate is demanded and DPoP is off', () => {
    const context = { ...bearerOnly, bearerOffered: false, scheme: 'Bearer' } as const
    expect(challenges(new InvalidTokenError('ERR_TOKEN_UNBOUND'), context)).toEqual([
      `Bearer error="invalid_token", ${metadata}, error_description="The access token is not bound to a key"`,
    ])
  })

  it('[E-11] puts a missing client certificate on Bearer', () => {
    expect(challenges(new InvalidTokenError('ERR_TOKEN_CERTIFICATE'), { ...bearerOnly, scheme: 'Bearer' })).toEqual([
      `Bearer error="invalid_token", ${metadata}, error_description="The access token is bound to a client certificate that was not presented"`,
    ])
  })
})

describe('the challenge of a bad proof', () => {
  it('[E-08] [DPOP-22] stands on DPoP alone, with its algorithms', () => {
    const answer = toAnswer(new InvalidProofError('ERR_PROOF_TIME'), { ...both, scheme: 'DPoP' })
    expect(answer.status).toBe(401)
    expect(answer.headers['WWW-Authenticate']).toEqual([
      `DPoP error="invalid_dpop_proof", ${algs}, ${metadata}, error_description="The DPoP proof is outside the accepted time window"`,
    ])
  })

  it.each(['Bearer', undefined] as const)('[E-08] [E-09] stands on DPoP also where the token came by %s', (scheme) => {
    for (const error of [new InvalidProofError('ERR_PROOF_MISSING'), new DpopNonceRequiredError('n-1')]) {
      expect(challenges(error, { ...both, scheme })).toEqual([
        expect.stringContaining(`DPoP error="${error.oauthError}", `),
      ])
    }
  })

  it('[E-09] [DPOP-17] gives the nonce in one field of its own', () => {
    const answer = toAnswer(new DpopNonceRequiredError('n-1.x'), { ...both, scheme: 'DPoP' })
    expect(answer.status).toBe(401)
    expect(answer.headers['DPoP-Nonce']).toBe('n-1.x')
    expect(answer.headers['WWW-Authenticate']).toEqual([
      `DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof", ${algs}, ${metadata}`,
    ])
  })
})

describe('the challenge of a good token that does not suffice', () => {
  const context: AnswerSettings = { ...both, scheme: 'Bearer', scope: 'what the route needs' }

  it('[E-05] [BEAR-09] [PRM-10] names the scopes needed on the scheme used', () => {
    const answer = toAnswer(new InsufficientScopeError('mail:read'), context)
    expect(answer.status).toBe(403)
    expect(answer.headers['WWW-Authenticate']).toEqual([
      `Bearer error="insufficient_scope", scope="mail:read", ${metadata}, error_description="The access token does not grant the required scope"`,
    ])
  })

  it('[C-26] names no scope where authorization details lack', () => {
    expect(challenges(new InsufficientScopeError(undefined), context)).toEqual([
      `Bearer error="insufficient_scope", ${metadata}, error_description="The access token does not carry the required authorization details"`,
    ])
  })

  it('[E-06] [STEP-02] asks for the authentication that would do', () => {
    const answer = toAnswer(new StepUpRequiredError({ acrValues: ['gold', 'silver'], maxAgeSeconds: 300 }), context)
    expect(answer.status).toBe(401)
    expect(answer.headers['WWW-Authenticate']).toEqual([
      `Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ])
  })

  it('[C-27] adds lacking scopes to a step-up, and takes an age of zero for what it is', () => {
    expect(
      challenges(new StepUpRequiredError({ maxAgeSeconds: 0, scope: 'pay' }), { ...context, scheme: 'DPoP' }),
    ).toEqual([
      `DPoP error="insufficient_user_authentication", max_age="0", scope="pay", ${algs}, ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ])
  })

  it('[E-12] challenges nobody when the application says no', () => {
    const answer = toAnswer(new AccessDeniedError(), context)
    expect(answer).toEqual({
      status: 403,
      headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
      body: '{"error":"access_denied","error_description":"The access token does not meet the requirements of this route"}',
    })
  })
})

describe('failures on this side', () => {
  it('[E-13] [C-17] answers an outage with 503 and a time to retry, without a challenge', () => {
    const error = new UnavailableError('ERR_KEYS_UNAVAILABLE', {
      retryAfterSeconds: 7,
      detail: 'ECONNREFUSED 10.0.0.1',
    })
    const answer = toAnswer(error, { ...both, scheme: 'Bearer' })
    expect(answer).toEqual({
      status: 503,
      headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json', 'Retry-After': '7' },
      body: '{"error":"temporarily_unavailable","error_description":"The keys of the authorization server cannot be fetched"}',
    })
  })

  it('answers a token that the authorization server refuses to this service with 502, without a challenge', () => {
    const error = new ResourceAccessError('https://files.example', 'ERR_GRANT_REFUSED', { reason: 'invalid_target' })
    expect(toAnswer(error, { ...both, scheme: 'Bearer' })).toEqual({
      status: 502,
      headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
      body: JSON.stringify({ error: 'downstream_refused', error_description: error.description }),
    })
  })

  it('[E-13] challenges nobody for an outage, whatever error of its own it names', () => {
    const error = Object.assign(new UnavailableError('ERR_KEYS_UNAVAILABLE'), { oauthError: 'temporarily_unavailable' })
    const answer = toAnswer(error, { ...both, scheme: 'Bearer' })
    expect([answer.status, answer.headers['WWW-Authenticate']]).toEqual([503, undefined])
  })

  const throwing = new Proxy(new Error('trap'), {
    has() {
      throw new Error('trap')
    },
  })
  it.each<[string, unknown]>([
    ['a configuration error', new ConfigurationError('secret hint')],
    ['an internal error', new InternalError(new Error('secret hint'))],
    ['any other error', new Error('secret hint')],
    ['a string', 'secret hint'],
    ['nothing at all', undefined],
    ['a value that throws when looked at', throwing],
    ['a refusal with a status of its own making', Object.assign(new MissingTokenError(), { status: 200 })],
    ['a refusal whose members throw', Object.assign(new StepUpRequiredError({}), { demand: { acrValues: 7 } })],
  ])('[E-14] [E-15] answers %s with 500 and not a word', (_what, error) => {
    expect(toAnswer(error, both)).toEqual({ status: 500, headers: { 'Cache-Control': 'no-store' }, body: '' })
  })

  it('[E-15] keeps details and causes of refusals off the wire', () => {
    const error = new InvalidTokenError('ERR_TOKEN_ISSUER', {
      detail: 'https://evil.example',
      cause: new Error('inner'),
    })
    const answer = JSON.stringify(toAnswer(error, { ...both, scheme: 'Bearer' }))
    expect(answer).not.toMatch(/evil|inner/)
    expect(answer).toContain('no-store')
  })
})

describe('CORS', () => {
  it.each([new MissingTokenError(), new UnavailableError('ERR_KEYS_UNAVAILABLE'), new Error('bug')])(
    '[DPOP-24] exposes challenges and nonces to browser code: %s',
    (error) => {
      const { headers } = toAnswer(error, { ...both, cors: true })
      expect(headers['Access-Control-Expose-Headers']).toBe('WWW-Authenticate, DPoP-Nonce')
    },
  )
})

describe('a refusal of another copy of the library', () => {
  it('[E-09] is answered by what it carries, not by its class', () => {
    const foreign = Object.assign(new Error('x'), {
      [Symbol.for('portcullis.PortcullisError')]: { family: 'auth' },
      status: 401,
      oauthError: 'use_dpop_nonce',
      description: 'Say "nonce"\r\nSet-Cookie: a=b',
      nonce: 'abc\r\ndef',
    })
    const { headers } = toAnswer(foreign, { ...dpopOnly, scheme: 'DPoP' })
    expect(headers['DPoP-Nonce']).toBe('abc??def')
    expect(headers['WWW-Authenticate']).toEqual([
      `DPoP error="use_dpop_nonce", error_description="Say 'nonce'??Set-Cookie: a=b", ${algs}, ${metadata}`,
    ])
  })
})

describe('the challenge where DPoP is required', () => {
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
})
