/** The API in production: ISSUER=https://login.example.com RESOURCE=https://api.example.com npm run serve */
import { createResourceServer } from 'portcullis'
import { createApp } from './app.js'

const { ISSUER, RESOURCE, PORT = '3000' } = process.env
if (!ISSUER || !RESOURCE) throw new Error('Set ISSUER and RESOURCE, as the README says.')

const server = createResourceServer({
  resource: RESOURCE,
  issuer: ISSUER,
  onEvent: (event) => {
    if (event.type === 'auth.refused') console.warn(event.status, event.code, event.detail)
  },
})

createApp(server).listen(Number(PORT))
