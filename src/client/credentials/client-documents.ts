/*
 * The documents of a client, as routes of its own application: its metadata (CIMD) and its keys.
 */
import { sha256Base64url } from '#crypto'
import type { HttpAnswer } from '../../http/http-answer.js'
import { documentAnswer, methodAnswer, type ServedDocument, targetOf } from '../../http/public-document.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { checkOptions, methods, type Rules } from '../../kit/options.js'
import { type ClientMetadataDocumentOptions, clientMetadataDocument, documentRules, jwksDocument } from './documents.js'
import type { PrivateKeyJwtCredential } from './private-key-jwt.js'

/** Options of {@link createClientDocuments}. @group Credentials */
export interface ClientDocumentsOptions
  extends Omit<ClientMetadataDocumentOptions, 'tokenEndpointAuthMethod' | 'jwks'> {
  /**
   * The keys of `private_key_jwt`. Its public keys are in the document; with `jwksUri` they have a document of their own,
   * which is served too where it has the origin of the client. Left out: a public client.
   */
  readonly credential?: Pick<PrivateKeyJwtCredential, 'publicJwks'> | undefined
}

/** The documents of one client. `clientMetadata` of an adapter serves them. @group Credentials */
export interface ClientDocuments {
  /** The URL of the document: for `clientDocument` of `createProtectedFetch`. */
  readonly clientId: string
  /**
   * The answer to a request for one of the documents; `undefined` for any other. Their paths match exactly, without a
   * query. Any origin may read them. Never looks at `Host`, and never asks for a token.
   */
  metadata(request: RequestFacts): MaybePromise<HttpAnswer | undefined>
}

const { tokenEndpointAuthMethod: _method, jwks: _jwks, ...shared } = documentRules
const rules: Rules<ClientDocumentsOptions> = { ...shared, credential: methods('publicJwks') }
const corsHeaders = { 'Access-Control-Allow-Origin': '*' }

/**
 * Makes the documents that tell authorization servers who this client is: its metadata at the path of `clientId`, so that
 * it needs no registration, and its keys. Holds no secret. Does NOT see to it that the URL leads to this application.
 *
 * @throws `ConfigurationError` for an unusable URL, a secret or private key, a credential without public keys, and more
 * than 5 KB.
 * @group Credentials
 */
export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  checkOptions('createClientDocuments', options, rules)
  const { credential, ...about } = options
  const { clientId, jwksUri } = about
  const routes = new Map<string, MaybePromise<ServedDocument>>()
  if (credential === undefined) add(clientId, clientMetadataDocument(about).answer)
  else {
    const tokenEndpointAuthMethod = 'private_key_jwt'
    const keys = jwksDocument(credential)
    const jwks = jwksUri === undefined ? credential.publicJwks() : undefined
    add(clientId, clientMetadataDocument({ ...about, tokenEndpointAuthMethod, jwks }).answer)
    if (jwksUri !== undefined && originOf(jwksUri) === originOf(clientId)) add(jwksUri, keys.answer)
  }

  function add(url: string, { headers, body }: HttpAnswer): void {
    const about = { body, contentType: headers['Content-Type'], cacheControl: headers['Cache-Control'] }
    const document = whenReady(sha256Base64url(body), (hash) => ({ ...about, etag: `"${hash}"` }) as ServedDocument)
    routes.set(url.slice(originOf(url).length), document)
  }

  return Object.freeze<ClientDocuments>({
    clientId,
    metadata(request) {
      const document = routes.get(targetOf(request))
      if (document === undefined) return undefined
      return (
        methodAnswer(request, corsHeaders) ??
        whenReady(document, (served) => documentAnswer(served, request, corsHeaders))
      )
    },
  })
}

/** As it is written: scheme and host, up to the path. */
function originOf(url: string): string {
  return (/^[^/]*\/\/[^/?#]*/.exec(url) ?? [''])[0]
}
