/** The web application on your own machine, with an authorization server and an API beside it: npm start */

import { startNext } from './start-next'
import { startSurroundings } from './surroundings'

const port = Number(process.env['PORT'] ?? 3000)
const baseUrl = `http://localhost:${port}`
const { variables } = await startSurroundings(baseUrl)
await startNext('dev', port, variables)
console.log(`Open ${baseUrl} and sign in with any name and any password.`)
console.log(`Try: curl -i ${baseUrl}/`)
