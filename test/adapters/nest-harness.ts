import 'reflect-metadata'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  Get,
  HttpCode,
  type INestApplication,
  Module,
  type NestApplicationOptions,
  Options,
  Post,
  Req,
  type Type,
} from '@nestjs/common'
import { type AbstractHttpAdapter, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core'
import { Test } from '@nestjs/testing'
import express, { type Request, type Response } from 'express'
import { ConfigurationError, InternalError, type Auth as VerifiedAuth } from 'portcullis'
import { nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'
import {
  type AdapterHarness,
  type ContractRoute,
  contractRoutes,
  forged,
  probePaths,
  unparsedPath,
} from 'portcullis/adapter-testing'
import {
  Auth,
  Grant,
  OptionalToken,
  PortcullisModule,
  type PortcullisModuleOptions,
  Public,
  RequireToken,
} from 'portcullis/nest'

/** What NestJS and its platforms need of a response before the guard runs. */
interface RawResponse {
  setHeader(name: string, value: string): void
}

/** The contract's application in NestJS, on whichever platform. */
export function nestHarness(name: string, platform: () => AbstractHttpAdapter): AdapterHarness {
  return {
    name,
    async start(server, grants, { second, fault }) {
      const app = await createApplication(
        { server, grants, health: probePaths },
        contractRoutes.map(controllerOf),
        platform(),
        {
          bodyParser: false,
        },
      )
      app.use(
        (
          { originalUrl, url = originalUrl }: { originalUrl: string; url?: string },
          res: RawResponse,
          next: () => void,
        ) => {
          const route = contractRoutes.find(({ path }) => path === url)
          for (const [field, value] of Object.entries(route?.before ?? {})) res.setHeader(field, value)
          next()
        },
      )
      app.use((req: never, res: never, next: (error?: unknown) => void) => {
        const answer = second.metadata(nodeRequestFacts(req))
        if (answer === undefined) return next()
        Promise.resolve(answer).then((ready) => ready && sendNodeAnswer(res, ready), next)
      })
      if (app.getHttpAdapter().getType() === 'express') {
        const parse = express.urlencoded({ extended: false })
        app.use((req: Request, res: Response, next: () => void) =>
          req.path === unparsedPath ? next() : parse(req, res, next),
        )
      }
      app.useGlobalFilters(new FaultFilter(app.get(HttpAdapterHost), fault))
      await app.listen(0, '127.0.0.1')
      return { origin: await app.getUrl(), close: () => app.close() }
    },
  }
}

/** The application's own filter, which leaves the answer to NestJS. */
class FaultFilter extends BaseExceptionFilter {
  readonly #fault: (error: unknown) => void

  constructor({ httpAdapter }: HttpAdapterHost, fault: (error: unknown) => void) {
    super(httpAdapter)
    this.#fault = fault
  }

  override catch(exception: unknown, host: ArgumentsHost): void {
    this.#fault(exception)
    super.catch(exception, host)
  }
}

Catch(InternalError, ConfigurationError, TypeError)(FaultFilter)

/** An application of these controllers behind the gate. Not listening yet. */
export async function createApplication(
  options: PortcullisModuleOptions,
  controllers: Type[],
  platform: AbstractHttpAdapter,
  nest: NestApplicationOptions = {},
): Promise<INestApplication> {
  const root = class {}
  Module({ imports: [PortcullisModule.forRoot(options)], controllers })(root)
  const testing = await Test.createTestingModule({ imports: [root] }).compile()
  return testing.createNestApplication(platform, { logger: false, forceCloseConnections: true, ...nest })
}

const verbs = { GET: Get, POST: Post, OPTIONS: Options }

/** What a decorator at this place in a class is applied to. */
function decorate(target: object, name: string, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
  for (const decorator of decorators) decorator(target, name, descriptor)
}

function controllerOf(route: ContractRoute): Type {
  const { path, mountedAt = '', methods = ['GET'], token = 'required', requirement, grants } = route
  const controller = class {}
  for (const method of methods) {
    Object.defineProperty(controller.prototype, method, {
      value: (auth: VerifiedAuth | undefined, request: { readonly auth?: VerifiedAuth }) => {
        if (!route.overwrites) return route.respond(auth)
        Reflect.set(request, 'auth', forged)
        return route.respond(request.auth)
      },
      configurable: true,
      writable: true,
    })
    const guards = { required: RequireToken(requirement), optional: OptionalToken(requirement), none: Public() }
    decorate(controller.prototype, method, guards[token], verbs[method](path.slice(mountedAt.length)), HttpCode(200))
    if (grants !== undefined) decorate(controller.prototype, method, Grant(...grants))
    Auth()(controller.prototype, method, 0)
    Req()(controller.prototype, method, 1)
  }
  if (route.routerGrants) Grant(...route.routerGrants)(controller)
  Controller(mountedAt)(controller)
  return controller
}
