import { describe, expect, it } from 'vitest'
import { fetchRequestFacts } from '../../src/http/fetch-http.js'
import { nodeRequestFacts } from '../../src/http/node-http.js'
import type { RequestFacts } from '../../src/http/request-facts.js'
import { createBinding } from '../../src/resource-server/binding/binding.js'
import { attacker, type CertificateNames, envoyElement, envoyOptions, victim } from '../support/envoy.js'
import { dpopSettings, refusalOf } from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

const remoteAddress = '10.0.0.1'

const dpop = dpopSettings()
const surroundings = { clock: dpop.clock, onEvent: undefined }
const server = { dpop, replayStore: dpop.replayStore, trustedProxies: ['10.0.0.0/8'], surroundings }
const behindEnvoy = createBinding({ ...server, mtls: { certificateFrom: 'xfcc' } })

/** Presents a token bound to the certificate of the victim by a request that came through a trusted proxy. */
async function present(facts: RequestFacts, binding = behindEnvoy) {
  const modes = { dpop: 'allowed', mtls: 'required' } as const
  const confirmation = { 'x5t#S256': victim.x5t }
  return binding.check({
    facts,
    scheme: 'Bearer',
    token: 't',
    confirmation,
    modes,
    resource: 'https://api.example.com',
  })
}

const envoy = (value: string | string[]) =>
  requestFacts({ headers: { 'x-forwarded-client-cert': value }, remoteAddress })
const isRefused = (facts: RequestFacts) =>
  present(facts).then(
    () => false,
    ({ code }) => code === 'ERR_TOKEN_CERTIFICATE',
  )
const refused = { code: 'ERR_TOKEN_CERTIFICATE', status: 401 }

const smuggled = [
  `Cert="${victim.escapedPem}"`,
  `Cert=${victim.escapedPem}`,
  `Hash=${victim.hex}`,
  `hash="${victim.hex}"`,
]
/** Texts that try to leave the value they stand in, around members that name the victim. */
const escapes = [
  '',
  ';',
  ',',
  '";',
  '",',
  '"',
  '\\";',
  '\\";Subject="',
  '\\\\";',
  '\\',
  ' ;',
  ';;',
  '=";',
  'x",By="',
  '"",',
  '\t,',
]
const names = escapes.flatMap((start) =>
  smuggled.flatMap((member) => ['', '"', ';', ',', ';URI="', '\\'].map((end) => `${start}${member}${end}`)),
)

describe('names in a certificate behind Envoy', () => {
  it('[REAL-11] never choose the certificate: subject, URI and DNS names with quotes, commas and semicolons', async () => {
    const passed: string[] = []
    for (const options of envoyOptions) {
      for (const name of names) {
        const everywhere: CertificateNames[] = [
          { subject: name },
          { uri: [name] },
          { uri: ['a', name] },
          { dns: [name, 'b'] },
        ]
        for (const given of everywhere) {
          const element = envoyElement(attacker, given, options)
          if (!(await isRefused(envoy(element)))) passed.push(element)
        }
      }
    }
    expect(passed).toEqual([])
  })

  it('[REAL-11] nor two of them together, one opening a quote and the other closing it', async () => {
    for (const options of envoyOptions) {
      for (const member of smuggled) {
        for (const open of ['"', 'x="', '\\"', ';a="', ',a="']) {
          const element = envoyElement(
            attacker,
            { uri: [open], dns: [`";${member}`, `",${member}`, `"${member}`] },
            options,
          )
          expect(await refusalOf(() => present(envoy(element))), element).toMatchObject(refused)
        }
      }
    }
  })

  it('[REAL-11] lets a client pass by its own certificate, odd but honest names included', async () => {
    const honest: CertificateNames[] = [
      {},
      { subject: 'CN=a, O="b; c", OU=d\\e' },
      { uri: ['spiffe://mesh/ns/a/sa/b', 'https://a.example/?x=1&y=2'], dns: ['a.example', '*.b.example'] },
      { subject: '' },
    ]
    for (const options of envoyOptions.filter(({ hash, cert, escapesSubject }) => escapesSubject && (hash || cert))) {
      for (const given of honest) {
        const element = envoyElement(victim, given, options)
        expect(await present(envoy(element)), element).toMatchObject({
          confirmation: { 'x5t#S256': victim.x5t },
        })
      }
    }
  })
})

describe('what a client sent itself', () => {
  const own = envoyElement(attacker, {}, { hash: true, cert: true, escapesSubject: true })
  const claimed = envoyElement(victim, {}, { hash: true, cert: true, escapesSubject: true })

  it('[REAL-11] [MTLS-04] never counts beside what the proxy appends, whichever stands first and however it is joined', async () => {
    for (const [first, second] of [
      [claimed, own],
      [own, claimed],
      [claimed, claimed],
      [`${claimed};x="`, own],
      [`${claimed};x="\\`, own],
    ] as const) {
      for (const joint of [',', ', ', ' , ', ';', '; ']) {
        const value = `${first}${joint}${second}`
        expect(await refusalOf(() => present(envoy(value))), value).toMatchObject(refused)
      }
      expect(await refusalOf(() => present(envoy([first, second])))).toMatchObject(refused)
    }
  })

  it.each([
    ['rfc9440', 'Client-Cert', (der: Buffer) => `:${der.toString('base64')}:`],
    ['nginx', 'X-SSL-Client-Cert', (_: Buffer, escapedPem: string) => escapedPem],
    ['aws', 'X-Amzn-Mtls-Clientcert', (_: Buffer, escapedPem: string) => escapedPem],
    ['xfcc', 'X-Forwarded-Client-Cert', (_: Buffer, escapedPem: string) => `Cert="${escapedPem}"`],
  ] as const)(
    '[REAL-11] [MTLS-04] %s: a repeated %s is refused, also where a platform joined it',
    async (source, name, write) => {
      const binding = createBinding({ ...server, mtls: { certificateFrom: source } })
      const sent = write(victim.der, victim.escapedPem)
      const appended = write(attacker.der, attacker.escapedPem)
      expect(await present(fetchOf(name, [sent]), binding)).toMatchObject({ confirmation: { 'x5t#S256': victim.x5t } })
      for (const values of [
        [sent, appended],
        [appended, sent],
        [sent, sent],
        [sent, ''],
        ['', sent],
      ]) {
        expect(await refusalOf(() => present(fetchOf(name, values), binding)), 'Fetch').toMatchObject(refused)
        const rawHeaders = values.flatMap((value, index) => [index === 0 ? name : name.toUpperCase(), value])
        for (const known of [{ rawHeaders }, {}]) {
          const headers = { [name.toLowerCase()]: values.join(', ') }
          const facts = nodeRequestFacts({ headers, ...known, socket: { remoteAddress } })
          expect(await refusalOf(() => present(facts, binding)), 'Node').toMatchObject(refused)
        }
      }
    },
  )

  function fetchOf(name: string, values: readonly string[]): RequestFacts {
    const headers = new Headers()
    for (const value of values) headers.append(name, value)
    return fetchRequestFacts(new Request('https://api.example.com/', { headers }), { remoteAddress })
  }
})
