import type { Grants, ResourceServer } from '../../src/index.js'

/** Options of `PortcullisModule.forRoot`. @group NestJS */
export interface PortcullisModuleOptions {
  // biome-ignore lint/suspicious/noExplicitAny: claims are typed where they are used; a module is the same for all.
  readonly server: ResourceServer<any>
  /** The grant engine; needed where a route declares `@Grant`. */
  readonly grants?: Grants | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
  /** Whether to serve the metadata documents, at the root of the origin whatever the prefix. Default true. */
  readonly metadata?: boolean | undefined
}
