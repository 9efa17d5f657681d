/** The API in production: RESOURCE=https://api.example.com TENANTS=tenants.json npm run serve */
import { readFileSync } from 'node:fs'
import { createApp, type Tenant } from './app.js'

const { RESOURCE, TENANTS, PORT = '3000' } = process.env
if (!RESOURCE || !TENANTS) throw new Error('Set RESOURCE and TENANTS, as the README says.')

const tenants = new Map<string, Tenant>(Object.entries(JSON.parse(readFileSync(TENANTS, 'utf8'))))
createApp({ resource: RESOURCE, tenants }).listen(Number(PORT))
