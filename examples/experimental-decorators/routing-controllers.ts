/**
 * An API behind Portcullis, with routing-controllers on Express.
 *
 *   npx tsx --tsconfig examples/experimental-decorators/tsconfig.json \
 *     examples/experimental-decorators/routing-controllers.ts [issuer] [port]
 */
import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { currentAuth, Public, RequireScopes, RequireToken, withCurrentAuth } from 'portcullis/decorators'
import { portcullis } from 'portcullis/express'
import { Get, JsonController, useExpressServer } from 'routing-controllers'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const { metadata, optionalToken, refusals } = portcullis(server)

@JsonController()
@RequireToken()
class PeopleController {
  @Get('/me')
  @RequireScopes('profile')
  async me() {
    const auth = currentAuth()
    return { subject: auth?.subject, scopes: auth?.scopes }
  }

  @Get('/hello')
  @Public()
  hello() {
    return { hello: currentAuth()?.subject ?? 'stranger' }
  }
}

const app = express()
app.use(metadata(), optionalToken(), withCurrentAuth(server))
useExpressServer(app, { controllers: [PeopleController], defaultErrorHandler: false })
app.use(refusals())

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
