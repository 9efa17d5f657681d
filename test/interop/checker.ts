import { diagnoseToken, type TokenDiagnosis } from 'portcullis/login'
import { describe, expect, it } from 'vitest'

/** Tokens of one user, and what they are for. */
export interface CheckedTokens {
  readonly issuer: string
  /** The API, and the client. */
  readonly audiences: { readonly api: string; readonly client: string }
  readonly accessToken: string
  readonly idToken: string
}

/** What the token checker says of good tokens of a server, and of those in the wrong place. */
export function describeChecker(tokens: () => Promise<CheckedTokens>): void {
  describe('the token checker', () => {
    it('finds nothing wrong with an access token and with an ID token', async () => {
      const { issuer: expectedIssuer, audiences, accessToken, idToken } = await tokens()
      const access = await diagnoseToken(accessToken, { expectedIssuer, expectedAudience: audiences.api })
      expect(problemOf(access)).toBeUndefined()
      const expectedAudience = audiences.client
      const identity = await diagnoseToken(idToken, { kind: 'id_token', expectedIssuer, expectedAudience })
      expect(problemOf(identity)).toBeUndefined()
    })

    it('tells an ID token where an access token belongs, and the other way round', async () => {
      const { issuer: expectedIssuer, audiences, accessToken, idToken } = await tokens()
      const identity = await diagnoseToken(idToken, { expectedIssuer, expectedAudience: audiences.client })
      expect(problemOf(identity)).toMatch(/ID token/)
      const expectedAudience = audiences.client
      const access = await diagnoseToken(accessToken, { kind: 'id_token', expectedIssuer, expectedAudience })
      expect(problemOf(access)).toMatch(/access token/)
    })
  })
}

/** `undefined` where all is well. */
function problemOf({ ok, failed, sentence }: TokenDiagnosis): string | undefined {
  return ok ? undefined : `${failed}: ${sentence}`
}
