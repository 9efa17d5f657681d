import type { IncomingMessage } from 'node:http'
import { createFrozenClock } from 'portcullis/testing'

const startSeconds = createFrozenClock().now() / 1000
const jwt = /\b(ey[\w-]+)\.([\w-]*)\.([\w-]*)/g

/** A request as text that is the same for each run: tokens by what they say, random values by their length. */
export function requestText(req: IncomingMessage, body: Buffer): string {
  const fields: string[] = []
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = req.rawHeaders.slice(index, index + 2)
    const isOurs = ['host', 'connection', 'content-length', 'transfer-encoding'].includes(name.toLowerCase())
    if (!isOurs) fields.push(`    ${name}: ${told(value)}`)
  }
  const text = body.length === 0 ? [] : [`    ${told(body.toString())}`]
  return [`  ${req.method} ${told(req.url as string)}`, ...fields, ...text].join('\n')
}

function told(text: string): string {
  return text.replace(jwt, (_, header, payload) => `<${jwtText(header, payload)}>`).replace(/[\w-]{32,}/g, short)
}

function short(text: string): string {
  return `(${text.length})`
}

const usual = {
  token: {
    ...{ typ: 'at+jwt', alg: 'ES256', kid: 'es256-1', iss: 'https://issuer.test', jti: '(fresh)' },
    ...{ aud: 'https://api.example.com/mcp', sub: 'user-1', client_id: 'test-client', scope: 'read', iat: 0, exp: 300 },
  },
  proof: { typ: 'dpop+jwt', alg: 'ES256', iat: 0, jti: '(fresh)' },
}

/** What a token or proof has that others have not, and lacks. */
function jwtText(header: string, payload: string): string {
  const members = { ...read(header), ...read(payload) }
  const kind = 'htm' in members ? 'proof' : 'token'
  const defaults: Record<string, unknown> = usual[kind]
  const own = Object.entries(members).filter(([name, value]) => value !== defaults[name])
  const missing = Object.keys(defaults).filter((name) => !(name in members))
  const text = own.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('')
  return `${kind}${text}${missing.map((name) => ` without ${name}`).join('')}`
}

function read(segment: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(segment, 'base64url').toString(), (name, value) => {
    if (name === 'jti' && typeof value === 'string') return '(fresh)'
    const isTime = ['iat', 'exp', 'auth_time'].includes(name) && typeof value === 'number'
    return isTime ? value - startSeconds : value
  })
}
