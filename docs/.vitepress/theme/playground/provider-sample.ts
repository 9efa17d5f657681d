import type { JsonObject } from '../../../../src/index.js'

/** One parameter of a preset. */
export interface ParameterField {
  readonly name: string
  readonly label: string
  readonly value: string
  /** Several values, parted by spaces. */
  readonly isList?: true
}

/** A preset, and a token that it accepts. `iss`, `aud`, `iat`, `exp` and `jti` are added where it does not name them. */
export interface ProviderSample {
  readonly title: string
  readonly fields: readonly ParameterField[]
  /** `typ` of the header; `undefined` where it has none. */
  readonly typ: string | undefined
  readonly algorithm: 'RS256' | 'ES256'
  /** Where its tokens have scopes; `undefined` where they have none. */
  readonly scope?: { readonly claim: string; readonly isList?: true }
  /** Its tokens have no `aud`: something else stands for it. */
  readonly hasNoAudience?: true
  /** @param first - the parameters; of a list, the first value. */
  claims(first: Readonly<Record<string, string>>): JsonObject
}

/** The parameter that most presets have. */
export const issuerField = (value: string): ParameterField => ({ name: 'issuer', label: 'Issuer', value })
