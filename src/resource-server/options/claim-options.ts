/**
 * Where a claim stands: its name, or the way down to it. In a text a dot goes one level down, unless a claim has that
 * very name: `realm_access.roles`. A list names each level by itself, for names that hold dots:
 * `['resource_access', 'api.example.com', 'roles']`.
 */
export type ClaimPath = string | readonly string[]

/**
 * What one claim must be. A value, or a list of values of which one must match; an array claim matches when one of its
 * items does. `not`: the claim is there, and is none of these. `present`: whether the claim must be there (`null` counts as absent). `startsWith`, `endsWith`: for text.
 * `sameAs`: equal to the text of another claim. Compares exactly: case counts, nothing is converted.
 */
export type ClaimCondition =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | { readonly not: string | number | boolean | readonly (string | number | boolean)[] }
  | { readonly present: boolean }
  | { readonly startsWith: string }
  | { readonly endsWith: string }
  | { readonly sameAs: string }

/**
 * Conditions by claim, as plain data; all of them must hold: `{ token_use: 'access', client_id: ['web', 'app'] }`. The
 * names are read as a {@link ClaimPath} in text form.
 */
export type ClaimConditions = Readonly<Record<string, ClaimCondition>>

/** A place of roles whose value is neither one name nor a list of names. @group Resource server */
export interface RoleClaim {
  /** Where it stands. */
  readonly claim: ClaimPath
  /** `object-keys`: an object whose members are named after the roles. `comma-list`: one text, with commas between. */
  readonly form: 'object-keys' | 'comma-list'
}

/** Where an issuer puts what a request needs. Where several claims are named, see each member. @group Resource server */
export interface ClaimProfile {
  /** The first one present wins. Default `['client_id']`. */
  readonly clientId?: string | readonly ClaimPath[] | undefined
  /** The first one present wins. Default `['scope', 'scp']`. A space-delimited string, or an array of strings. */
  readonly scope?: string | readonly ClaimPath[] | undefined
  /**
   * The roles of all of them add up. Default `['roles']`. A string is one role, an array of strings several; for other forms
   * see {@link RoleClaim}.
   */
  readonly roles?: string | RoleClaim | readonly (ClaimPath | RoleClaim)[] | undefined
  /** The first one present wins. Default none. */
  readonly tenant?: string | readonly ClaimPath[] | undefined
  /**
   * What stands for the subject in tokens whose `sub` is absent or empty; the first one present wins. It must never be what
   * another token may have as `sub`. Default none: such tokens are refused.
   */
  readonly subjectStandIn?: string | readonly ClaimPath[] | undefined
  /**
   * What shows that no user stands behind a token; of several, one suffices. Makes `isClientToken` true, as `sub` equal
   * to the client always does. Default none.
   */
  readonly clientToken?: ClaimConditions | readonly ClaimConditions[] | undefined
  /**
   * What shows that a user stands behind a token; of several, one suffices. Makes `isClientToken` false where nothing
   * makes it true. Default none: `isClientToken` is then never false.
   */
  readonly userToken?: ClaimConditions | readonly ClaimConditions[] | undefined
}

/** What stands for the audience in a token without `aud`. @group Resource server */
export interface AudienceStandIn {
  /** What the token must say. At least one claim is held against values, and it says more than the kind of token. */
  readonly claims: ClaimConditions
  /** The resource it stands for; needed where the issuer may issue for several. */
  readonly resource?: string | undefined
}
