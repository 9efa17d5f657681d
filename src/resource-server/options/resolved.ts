import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { BindingMode } from '../policy/requirement.js'
import type { BearerMethod, ResourceMetadataOptions } from './types.js'

/** The header fields the tokens of a resource come in, where `Authorization` is not the only one. */
export interface TokenFields {
  /** In lower case. Each holds a token alone, without a scheme. */
  readonly names: readonly string[]
  /** Whether `Authorization` is one as well. */
  readonly authorization: boolean
}

/** A resource with every default filled in. */
export interface ResolvedResource {
  /** The identifier, byte for byte. */
  readonly resource: string
  readonly audiences: readonly string[]
  /** The issuers that may issue for it; all of them listed, in the order given. */
  readonly issuers: readonly string[]
  /** The only issuers it accepts, where it names some; otherwise all of the server's. */
  readonly onlyIssuers?: ReadonlySet<string> | undefined
  readonly scopes: readonly string[]
  readonly bearerMethods: readonly BearerMethod[]
  /** `undefined`: in `Authorization` alone, where header fields are concerned. */
  readonly tokenFields?: TokenFields | undefined
  readonly dpop: BindingMode
  readonly dpopAlgorithms: readonly SignatureAlgorithm[]
  readonly mtls: BindingMode
  readonly metadata: ResourceMetadataOptions
}
