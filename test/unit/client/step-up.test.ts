import { readChallenges, readStepUp } from 'portcullis/client'
import { describe, expect, it } from 'vitest'

const read = (text: string) => readStepUp(readChallenges(text))
const error = 'error="insufficient_user_authentication"'

describe('readStepUp', () => {
  it.each(['max_age="300"', 'max_age=300'])('[STEP-07] reads what to ask for, with %s', (maxAge) => {
    expect(read(`Bearer ${error}, acr_values="phr mfa", ${maxAge}, scope="pay"`)).toEqual({
      acrValues: ['phr', 'mfa'],
      maxAgeSeconds: 300,
      scope: ['pay'],
    })
  })

  it('[STEP-07] reads acr_values that are a token, and needs neither', () => {
    expect(read(`Bearer ${error}, acr_values=mfa`)).toEqual({ acrValues: ['mfa'], maxAgeSeconds: undefined, scope: [] })
    expect(read(`Bearer ${error}, max_age=0`)).toEqual({ acrValues: [], maxAgeSeconds: 0, scope: [] })
    expect(read(`Bearer ${error}`)).toEqual({ acrValues: [], maxAgeSeconds: undefined, scope: [] })
  })

  it.each(['-1', '1.5', '1e3', 'x', '', ' 5', '99999999999'])('[STEP-07] leaves out max_age="%s"', (value) => {
    expect(read(`Bearer ${error}, max_age="${value}"`)?.maxAgeSeconds).toBeUndefined()
  })

  it('[STEP-07] finds the challenge that asks, whatever its scheme', () => {
    expect(read(`Bearer scope="a", DPoP ${error}, acr_values="mfa"`)?.acrValues).toEqual(['mfa'])
  })

  it('[STEP-07] reads nothing from a challenge with another error, or none', () => {
    expect(read('Bearer error="invalid_token", acr_values="mfa"')).toBeUndefined()
    expect(read('Bearer acr_values="mfa"')).toBeUndefined()
    expect(read('')).toBeUndefined()
  })
})
