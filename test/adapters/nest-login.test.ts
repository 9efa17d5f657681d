import 'reflect-metadata'
import { ServerResponse } from 'node:http'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExecutionContext,
  Get,
  type HttpException,
  Module,
} from '@nestjs/common'
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js'
import { HttpAdapterHost } from '@nestjs/core'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { ExpressAdapter } from '@nestjs/platform-express'
import { Test } from '@nestjs/testing'
import { createLogin, type Login, ReauthenticationRequiredError } from 'portcullis/login'
import { CurrentLogin, OptionalLogin, PortcullisLoginModule, RequireLogin } from 'portcullis/nest'
import { describe, expect, it } from 'vitest'
import { createLoginGuards, PortcullisLoginGuard } from '../../adapters/nest/login-guard.js'
import { createBrowser } from '../support/scripted-browser.js'
import { appUrl, sealKeys, setUpWebLogin } from '../support/web-login-set-up.js'

function decorate(target: object, name: string, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
  for (const decorator of decorators) decorator(target, name, descriptor)
}

/** A controller with the decorators given on its class and on its one handler. */
function pagesWith(ofClass: ClassDecorator[], ofHandler: MethodDecorator[]) {
  class Pages {
    page(login: unknown) {
      return login === undefined ? 'nobody' : 'somebody'
    }
  }
  decorate(Pages.prototype, 'page', Get('page'), ...ofHandler)
  CurrentLogin()(Pages.prototype, 'page', 0)
  for (const decorator of ofClass) decorator(Pages)
  Controller()(Pages)
  return Pages
}

const newLogin = (): Login => createLogin({ baseUrl: appUrl, providers: [setUpWebLogin().provider], keys: sealKeys })

async function start(
  ofClass: ClassDecorator[],
  ofHandler: MethodDecorator[],
  filter?: (host: HttpAdapterHost) => object,
) {
  const login = newLogin()
  const imports = [PortcullisLoginModule.forRootAsync({ useFactory: () => ({ login }) })]
  const root = class {}
  Module({ imports, controllers: [pagesWith(ofClass, ofHandler)] })(root)
  const testing = await Test.createTestingModule({ imports: [root] }).compile()
  const app = testing.createNestApplication(new ExpressAdapter(), { logger: false, forceCloseConnections: true })
  app.setGlobalPrefix('api')
  if (filter !== undefined) app.useGlobalFilters(filter(app.get(HttpAdapterHost)) as never)
  await app.listen(0, '127.0.0.1')
  const browser = createBrowser({ [appUrl]: await app.getUrl() })
  return { app, get: (path: string) => browser.fetch(appUrl + path), go: (path: string) => browser.go(appUrl + path) }
}

describe('PortcullisLoginModule', () => {
  it('serves the routes whatever the global prefix, and leaves handlers without a decorator open', async () => {
    const { app, get } = await start([], [])
    expect(JSON.parse((await get('/auth/status')).body)).toEqual({ authenticated: false })
    expect((await get('/api/page')).body).toBe('nobody')
    await app.close()
  })

  it('lets what a handler says win over its class', async () => {
    const { app, get } = await start([RequireLogin()], [OptionalLogin()])
    expect((await get('/api/page')).body).toBe('nobody')
    await app.close()
    const strict = await start([OptionalLogin()], [RequireLogin()])
    expect((await strict.get('/api/page')).status).toBe(401)
    await strict.app.close()
  })

  it('does not start with a requirement that cannot be right, nor with options that cannot', async () => {
    await expect(start([], [RequireLogin({ maxAgeSeconds: 0 })])).rejects.toThrow(/maxAgeSeconds/)
    await expect(start([RequireLogin({ provider: 'nobody' })], [])).rejects.toThrow(/`provider` takes one of corporate/)
    for (const [wrong, named] of [
      [{ login: undefined }, '`login` takes'],
      [{ login: newLogin(), logins: [] }, 'PortcullisLoginModule has no option `logins`'],
      [undefined, 'PortcullisLoginModule must be an object'],
    ] as const) {
      const root = class {}
      Module({ imports: [PortcullisLoginModule.forRoot(wrong as never)] })(root)
      await expect(Test.createTestingModule({ imports: [root] }).compile()).rejects.toThrow(named)
    }
  })

  it('does not start with a decorator and without the module', async () => {
    const root = class {}
    Module({ controllers: [pagesWith([], [RequireLogin()])] })(root)
    await expect(Test.createTestingModule({ imports: [root] }).compile()).rejects.toThrow(/PortcullisLoginModule/)
  })

  it('sends a page to the login even where a filter of the application catches everything', async () => {
    class Everything {
      readonly #host: HttpAdapterHost
      constructor(host: HttpAdapterHost) {
        this.#host = host
      }
      catch(exception: HttpException, host: ArgumentsHost): void {
        this.#host.httpAdapter.reply(host.switchToHttp().getResponse(), 'mine', exception.getStatus())
      }
    }
    Catch()(Everything)
    const { app, go } = await start([], [RequireLogin()], (host) => new Everything(host))
    const { status, headers, body } = await go('/api/page')
    expect([status, headers['location'], body]).toEqual([303, `${appUrl}/auth/login?returnTo=%2Fapi%2Fpage`, 'mine'])
    await app.close()
  })

  it('leaves to NestJS what the login cannot answer', async () => {
    const login = newLogin()
    const bug = new Error('a bug')
    const answers = [
      [async () => undefined, ReauthenticationRequiredError],
      [() => Promise.reject(bug), Error],
    ] as const
    for (const [refusal, logged] of answers) {
      class Pages {
        page() {
          throw new ReauthenticationRequiredError('ERR_REAUTHENTICATION_REQUIRED', { reason: 'logged_out' })
        }
      }
      decorate(Pages.prototype, 'page', Get('page'))
      Controller()(Pages)
      const root = class {}
      Module({ imports: [PortcullisLoginModule.forRoot({ login: { ...login, refusal } })], controllers: [Pages] })(root)
      const testing = await Test.createTestingModule({ imports: [root] }).compile()
      const app = testing.createNestApplication(new ExpressAdapter(), { logger: false, forceCloseConnections: true })
      const errors: unknown[] = []
      app.useLogger({ log: () => {}, warn: () => {}, error: (said: unknown) => errors.push(said) })
      await app.listen(0, '127.0.0.1')
      expect((await fetch(`${await app.getUrl()}/page`)).status).toBe(500)
      expect(errors.map((error) => (error as Error).constructor)).toEqual([logged])
      await app.close()
    }
  })

  it('judges a request once by however many decorators, and anew where one handler leaves it to another', async () => {
    const users = ['alice', 'bob']
    const accepted = () => ({ ok: true, login: { user: users.shift() }, headers: { 'Set-Cookie': ['s=1'] } })
    const login = { ...newLogin(), guard: () => async () => accepted() } as unknown as Login
    const Pages = pagesWith([RequireLogin()], [RequireLogin()])
    const guard = new PortcullisLoginGuard(createLoginGuards(login))
    const request = { method: 'GET', url: '/', headers: {} }
    const response = new ServerResponse({ method: 'GET' } as never)
    const newContext = () => {
      const context = new ExecutionContextHost([request, response], Pages, Pages.prototype.page)
      context.setType('http')
      return context
    }
    const first = newContext()
    expect([await guard.canActivate(first), await guard.canActivate(first)]).toEqual([true, true])
    expect([Reflect.get(request, 'login'), response.getHeader('Set-Cookie')]).toEqual([{ user: 'alice' }, ['s=1']])
    expect(await guard.canActivate(newContext())).toBe(true)
    expect(Reflect.get(request, 'login')).toEqual({ user: 'bob' })
  })

  it('knows nobody who signed in behind a socket', () => {
    const Pages = pagesWith([], [])
    const [parameter] = Object.values(Reflect.getMetadata(ROUTE_ARGS_METADATA, Pages, 'page')) as [
      { factory(data: unknown, context: ExecutionContext): unknown },
    ]
    const context = new ExecutionContextHost([{}, {}], Pages, Pages.prototype.page)
    context.setType('ws')
    expect(parameter.factory(undefined, context)).toBeUndefined()
  })

  it('guards handlers of HTTP alone, and says so', async () => {
    const Pages = pagesWith([], [RequireLogin()])
    const guard = new PortcullisLoginGuard(createLoginGuards(newLogin()))
    const context = { getClass: () => Pages, getHandler: () => Pages.prototype.page, getType: () => 'ws' }
    await expect(guard.canActivate(context as unknown as ExecutionContext)).rejects.toThrow(/HTTP alone/)
  })
})
