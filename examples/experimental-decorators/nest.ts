/**
 * An API behind Portcullis, with NestJS.
 *
 *   npx tsx --tsconfig examples/experimental-decorators/tsconfig.json \
 *     examples/experimental-decorators/nest.ts [issuer] [port]
 */
import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createResourceServer } from 'portcullis'
import { Auth, OptionalToken, PortcullisModule, RequireScopes } from 'portcullis/nest'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})

@Controller()
class PeopleController {
  @Get('me')
  @RequireScopes('profile')
  me(@Auth() auth: Auth) {
    return { subject: auth.subject, scopes: auth.scopes }
  }

  @Get('hello')
  @OptionalToken()
  hello(@Auth() auth?: Auth) {
    return { hello: auth?.subject ?? 'stranger' }
  }
}

@Module({ imports: [PortcullisModule.forRoot({ server })], controllers: [PeopleController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
await app.listen(Number(port), '127.0.0.1')
console.log(await app.getUrl())
