import { describe, expect, it } from 'vitest'
import { readOAuthError, redactOAuthError } from '../../../../src/client/calls/oauth-errors.js'

describe('readOAuthError()', () => {
  it('reads the error, what the server says of it, and where more stands', () => {
    const answer = { error: 'invalid_grant', error_description: 'gone', error_uri: 'https://as.example/e' }
    expect(readOAuthError(answer)).toMatchObject({
      error: 'invalid_grant',
      errorDescription: 'gone',
      errorUri: 'https://as.example/e',
    })
  })

  it.each([[undefined], [{}], [{ error: '' }], [{ error: 7 }], [{ error: ['invalid_grant'] }], [{ error: null }]])(
    'finds none in %j',
    (answer) => {
      expect(readOAuthError(answer)).toBeUndefined()
    },
  )

  it('leaves out what is no text', () => {
    const answer = { error: 'invalid_grant', error_description: { secret: 1 }, error_uri: 7 }
    expect(readOAuthError(answer)).toMatchObject({ errorDescription: undefined, errorUri: undefined })
  })
})

describe('redactOAuthError()', () => {
  it('takes out of every text what the request must not find again', () => {
    const redact = (text: string) => text.replaceAll('hunter2', '[redacted]')
    const read = readOAuthError({
      error: 'hunter2',
      error_description: 'not hunter2',
      error_uri: 'https://as.example/?secret=hunter2',
    })
    if (read === undefined) throw new Error('no error was read')
    expect(redactOAuthError(read, redact)).toMatchObject({
      error: '[redacted]',
      errorDescription: 'not [redacted]',
      errorUri: 'https://as.example/?secret=[redacted]',
    })
  })
})
