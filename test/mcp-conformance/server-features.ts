/** The tools, prompts and resources that the scenarios of the MCP conformance package ask a server for. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'

interface Call {
  readonly server: Server
  readonly extra: RequestHandlerExtra<ServerRequest, ServerNotification>
}

interface Tool {
  readonly name: string
  readonly description: string
  readonly inputSchema: { readonly type: 'object'; readonly [keyword: string]: unknown }
  readonly work: (args: Record<string, unknown>, call: Call) => unknown
}

const stepMs = 50
/** One transparent pixel, and a WAV file without sound. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII='
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA='

const text = (value: string) => ({ type: 'text', text: value })
const image = { type: 'image', data: png, mimeType: 'image/png' }
const embedded = (uri: string, mimeType: string, value: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text: value },
})

function tool(name: string, work: Tool['work'], inputSchema: object = { properties: {} }): Tool {
  return {
    name,
    description: `what the scenario of ${name} asks for`,
    inputSchema: { type: 'object', ...inputSchema },
    work,
  }
}

const needs = (name: string) => ({ properties: { [name]: { type: 'string' } }, required: [name] })

async function ask({ extra }: Call, message: string, properties: object, required: readonly string[] = []) {
  const requestedSchema = { type: 'object', properties, required }
  const { ElicitResultSchema } = await import('@modelcontextprotocol/sdk/types.js')
  const request = { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } }
  const { action, content = {} } = await extra.sendRequest(request as never, ElicitResultSchema)
  return { content: [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)] }
}

const titled = (...titles: readonly string[]) => titles.map((title, index) => ({ const: `value${index + 1}`, title }))
const options = ['option1', 'option2', 'option3']

export const tools: readonly Tool[] = [
  tool('test_simple_text', () => ({ content: [text('This is a simple text response for testing.')] })),
  tool('test_image_content', () => ({ content: [image] })),
  tool('test_audio_content', () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] })),
  tool('test_embedded_resource', () => ({
    content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  })),
  tool('test_multiple_content_types', () => ({
    content: [
      text('Multiple content types test:'),
      image,
      embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  })),
  tool('test_tool_with_logging', async (_args, { extra }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
      await pause(stepMs)
    }
    return { content: [text('logged')] }
  }),
  tool('test_error_handling', () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  })),
  tool('test_tool_with_progress', async (_args, { extra }) => {
    const progressToken = extra._meta?.progressToken ?? 0
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100 }
      await extra.sendNotification({ method: 'notifications/progress', params })
      await pause(stepMs)
    }
    return { content: [text(String(progressToken))] }
  }),
  tool(
    'test_sampling',
    async ({ prompt }, { extra }) => {
      const { CreateMessageResultSchema } = await import('@modelcontextprotocol/sdk/types.js')
      const messages = [{ role: 'user', content: text(String(prompt)) }]
      const request = { method: 'sampling/createMessage', params: { messages, maxTokens: 100 } }
      const { content } = await extra.sendRequest(request as never, CreateMessageResultSchema)
      return { content: [text(`LLM response: ${JSON.stringify(content)}`)] }
    },
    needs('prompt'),
  ),
  tool(
    'test_elicitation',
    ({ message }, call) => ask(call, String(message), { response: { type: 'string' } }, ['response']),
    needs('message'),
  ),
  tool('test_elicitation_sep1034_defaults', (_args, call) =>
    ask(call, 'Look through these', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  ),
  tool('test_elicitation_sep1330_enums', (_args, call) =>
    ask(call, 'Choose', {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
    }),
  ),
  tool('test_reconnection', async (_args, { extra }) => {
    extra.closeSSEStream?.()
    await pause(2 * stepMs)
    return { content: [text('the client came back')] }
  }),
  tool('json_schema_2020_12_tool', () => ({ content: [text('called')] }), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  }),
]

interface Prompt {
  readonly name: string
  readonly description: string
  readonly arguments?: { name: string; required: boolean }[]
  readonly messages: (args: Readonly<Record<string, string>>) => readonly object[]
}

const asks = (content: object) => ({ role: 'user', content })

export const prompts: readonly Prompt[] = [
  {
    name: 'test_simple_prompt',
    description: 'a prompt without arguments',
    messages: () => [asks(text('This is a simple prompt for testing.'))],
  },
  {
    name: 'test_prompt_with_arguments',
    description: 'a prompt with arguments',
    arguments: ['arg1', 'arg2'].map((name) => ({ name, required: true })),
    messages: ({ arg1, arg2 }) => [asks(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'a prompt with a resource in it',
    arguments: [{ name: 'resourceUri', required: true }],
    messages: ({ resourceUri = '' }) => [
      asks(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      asks(text('Please process the embedded resource above.')),
    ],
  },
  {
    name: 'test_prompt_with_image',
    description: 'a prompt with an image in it',
    messages: () => [asks(image), asks(text('Please analyze the image above.'))],
  },
]

export const resources = [
  { uri: 'test://static-text', name: 'text', description: 'a text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'binary', description: 'an image', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched', description: 'a text', mimeType: 'text/plain' },
]

export const resourceTemplates = [
  { uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' },
]

/** What `resources/read` answers with. */
export function readResource(uri: string) {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? []
  if (id !== undefined) {
    const data = { id, templateTest: true, data: `Data for ID: ${id}` }
    return { uri, mimeType: 'application/json', text: JSON.stringify(data) }
  }
  const found = resources.find((resource) => resource.uri === uri)
  if (found === undefined) throw new Error('no such resource')
  const { mimeType } = found
  return mimeType === 'image/png' ? { uri, mimeType, blob: png } : { uri, mimeType, text: 'This is a text.' }
}
