/**
 * An API behind Portcullis, with decorated methods behind a plain Express router.
 *
 *   npx tsx examples/decorators.ts [issuer] [port]
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { currentAuth, Public, RequireScopes, RequireToken, withCurrentAuth } from 'portcullis/decorators'
import { portcullis } from 'portcullis/express'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const { metadata, optionalToken, refusals } = portcullis(server)

@RequireToken()
class People {
  @RequireScopes('profile')
  async me() {
    const auth = currentAuth()
    return { subject: auth?.subject, scopes: auth?.scopes }
  }

  @Public()
  hello() {
    return { hello: currentAuth()?.subject ?? 'stranger' }
  }
}

const people = new People()
const router = express.Router()
router.get('/me', async (_req, res) => void res.json(await people.me()))
router.get('/hello', (_req, res) => void res.json(people.hello()))

const app = express()
app.use(metadata(), optionalToken(), withCurrentAuth(server))
app.use(router, refusals())

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
