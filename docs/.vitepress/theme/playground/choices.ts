/** What a visitor chooses: what the API expects, and what shall be wrong. Holds no token and no key. */
import type { BindingMode } from '../../../../src/index.js'
import { type MistakeName, mistakes } from './mistakes.js'
import { type ProviderName, providerSamples, sampleOf } from './provider-samples.js'

/** The frameworks that code is written for, and how they are called. */
export const frameworks = {
  express: 'Express',
  fastify: 'Fastify',
  koa: 'Koa',
  hono: 'Hono',
  fetch: 'Fetch',
  nest: 'NestJS',
  mcp: 'MCP',
} as const

/** A framework that code is written for. */
export type Framework = keyof typeof frameworks

/** The choices that are texts, each empty where nothing was said. */
interface TextChoices {
  resource: string
  /** Accepted `aud`, where it is not the resource. */
  audience: string
  /** Parted by spaces. */
  scope: string
  /** In order of preference, parted by spaces. */
  acr: string
  maxAgeSeconds: string
}

/** All choices, as the form has them. */
export interface Choices extends TextChoices {
  provider: ProviderName
  /** By the name of the parameter; only those of `provider`. */
  parameters: Record<string, string>
  scopeMode: 'all' | 'any'
  dpop: BindingMode
  framework: Framework
  mistake: MistakeName
}

const bindingModes = { off: true, allowed: true, required: true }
const scopeModes = { all: true, any: true }

/** The choices of the form that a visitor meets, for a provider. */
export function initialChoices(provider: ProviderName = 'rfc9068'): Choices {
  const { fields, scope } = sampleOf(provider)
  return {
    provider,
    parameters: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
    resource: 'https://api.example.com',
    audience: '',
    scope: scope === undefined ? '' : 'orders:read',
    scopeMode: 'all',
    acr: '',
    maxAgeSeconds: '',
    dpop: 'allowed',
    framework: 'express',
    mistake: 'audience',
  }
}

/** Another provider, with its own parameters, and without scopes where its tokens have none. Changes `choices`. */
export function chooseProvider(choices: Choices, provider: ProviderName): void {
  const { parameters, scope } = initialChoices(provider)
  Object.assign(choices, { provider, parameters, scope: scope === '' ? '' : choices.scope })
}

const texts = ['resource', 'audience', 'scope', 'acr', 'maxAgeSeconds'] as const
const closed = {
  scopeMode: scopeModes,
  dpop: bindingModes,
  framework: frameworks,
  mistake: mistakes,
} as const

/** Whether a text may stand in a link: short, and nothing in it that could be a token, a key or a secret. */
function isShareable(text: string): boolean {
  return text.length <= 200 && !/[\w+/-]{40}|\bey[\w-]{6,}\.|[\p{Cc}\p{Cf}]/u.test(text)
}

/** The choices as the fragment of a link: what differs from the form that a visitor meets. */
export function writeFragment(choices: Choices): string {
  const first = initialChoices(choices.provider)
  const fragment = new URLSearchParams()
  const put = (name: string, value: string, before: string) => {
    if (value !== before && isShareable(value)) fragment.set(name, value)
  }
  put('provider', choices.provider, initialChoices().provider)
  for (const [name, value] of Object.entries(choices.parameters)) put(`p.${name}`, value, first.parameters[name] ?? '')
  for (const name of [...texts, ...(Object.keys(closed) as (keyof typeof closed)[])]) {
    put(name, choices[name], first[name])
  }
  return fragment.toString()
}

/** The choices that a fragment tells, with or without its `#`. What it does not know, or must not take, it passes over. */
export function readFragment(fragment: string): Choices {
  const told = new URLSearchParams(fragment.replace(/^#/, '').slice(0, 4000))
  const provider = told.get('provider') ?? ''
  const choices = initialChoices(isOneOf(providerSamples, provider) ? provider : undefined)
  for (const name of texts) choices[name] = toldText(told, name) ?? choices[name]
  for (const name of Object.keys(choices.parameters)) {
    choices.parameters[name] = toldText(told, `p.${name}`) ?? (choices.parameters[name] as string)
  }
  for (const [name, allowed] of Object.entries(closed)) {
    const value = told.get(name) ?? ''
    if (isOneOf(allowed, value)) Object.assign(choices, { [name]: value })
  }
  return choices
}

function toldText(told: URLSearchParams, name: string): string | undefined {
  const value = told.get(name)
  return value !== null && isShareable(value) ? value : undefined
}

function isOneOf<Names extends object>(allowed: Names, value: string): value is keyof Names & string {
  return Object.hasOwn(allowed, value)
}
