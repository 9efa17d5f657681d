import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AdapterHarness, ContractCase } from 'portcullis/adapter-testing'
import { furtherSpoilers, type Spoiler, spoilers, together } from './spoilt-answers.js'
import { requestText } from './told-request.js'

/** An answer as it came from the application. */
export interface WireAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** What stands between a contract and an application: it writes down what is asked, and spoils answers. */
interface Observation {
  readonly asked: string[]
  readonly answers: WireAnswer[]
}

/** Cases in which the application does more than answer: it is asked anew each time. */
const needsApplication = /\[REAL-26\]|errors of the handler|leaves while/
/** Cases that look at the error channel of the framework. */
const looksAtFaults = /\[REAL-26\]|errors of the handler/
const isConcurrent = /concurrent/

/** A harness that is watched, and what a case of its contract asks and notices. */
export interface ContractObserver {
  readonly harness: AdapterHarness
  /** Every request of a case, and the status of its answer. */
  asks(one: ContractCase): Promise<readonly string[]>
  /** What a case notices of each answer where it is changed. */
  notices(one: ContractCase): Promise<readonly string[]>
}

export function observed(real: AdapterHarness): ContractObserver {
  let now: Observation = { asked: [], answers: [] }
  let replayed: readonly WireAnswer[] | undefined
  let spoil: (answer: WireAnswer, index: number) => WireAnswer = (answer) => answer
  let tell: (fault: (error: unknown) => void, error: unknown) => void = (fault, error) => fault(error)

  async function front(target: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req)
    const index = now.asked.push(requestText(req, body)) - 1
    const answer = replayed?.[index] ?? (await forward(target, req, body))
    now.answers[index] = answer
    const { status, headers, body: text } = spoil(answer, index)
    res.writeHead(status, [...headers])
    res.end(text)
  }

  const harness: AdapterHarness = {
    ...real,
    async start(server, grants, beside) {
      const fault = (error: unknown) => tell(beside.fault, error)
      const application = await real.start(server, grants, { ...beside, fault })
      const http = createServer((req, res) => void front(application.origin, req, res).catch(() => res.destroy()))
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
      return {
        origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
        async close() {
          http.closeAllConnections()
          await new Promise((resolve) => http.close(resolve))
          await application.close()
        },
      }
    },
  }

  async function passes(one: ContractCase): Promise<boolean> {
    now = { asked: [], answers: [] }
    return one.run().then(
      () => true,
      () => false,
    )
  }

  async function noticed(one: ContractCase, answers: readonly WireAnswer[], index: number): Promise<readonly string[]> {
    const names: string[] = []
    const isNoticed = async ({ change }: Spoiler) => {
      spoil = (answer, at) => (at === index || isConcurrent.test(one.title) ? change(answer) : answer)
      return !(await passes(one))
    }
    replayed = needsApplication.test(one.title) ? undefined : answers
    const further = furtherSpoilers(answers[index] as WireAnswer)
    const isAny = await isNoticed(together(further))
    for (const way of isAny ? [...spoilers, ...further] : spoilers) if (await isNoticed(way)) names.push(way.name)
    spoil = (answer) => answer
    replayed = undefined
    return names
  }

  async function noticedFaults(one: ContractCase): Promise<readonly string[]> {
    const ways: Record<string, typeof tell> = {
      'a fault that is kept back': () => {},
      'a fault that is told twice': (fault, error) => [error, error].forEach(fault),
      'another fault': (fault) => fault(new Error('another')),
    }
    const names: string[] = []
    for (const [name, way] of Object.entries(ways)) {
      tell = way
      if (!(await passes(one))) names.push(name)
    }
    tell = (fault, error) => fault(error)
    return names
  }

  async function play(one: ContractCase): Promise<Observation> {
    if (!(await passes(one))) throw new Error(`the application fails: ${titleOf(one)}`)
    return now
  }

  return {
    harness,
    async asks(one) {
      const { asked, answers } = await play(one)
      const lines = asked.map((text, index) => `${text}\n  ${answers[index]?.status}`)
      return [titleOf(one), ...(isConcurrent.test(one.title) ? [...asked].sort() : lines)]
    },
    async notices(one) {
      const { answers } = await play(one)
      const lines: string[] = []
      for (const [index] of answers.slice(0, isConcurrent.test(one.title) ? 1 : undefined).entries()) {
        lines.push(`  ${(await noticed(one, answers, index)).join(', ')}`)
      }
      const faults = looksAtFaults.test(one.title) ? await noticedFaults(one) : []
      return [titleOf(one), ...lines, ...(faults.length === 0 ? [] : [`  ${faults.join(', ')}`])]
    },
  }
}

function titleOf({ title, server }: ContractCase): string {
  return server === undefined ? title : `${title} (on a server that ${server})`
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function forward(target: string, req: IncomingMessage, body: Buffer): Promise<WireAnswer> {
  const { hostname, port } = new URL(target)
  const options = { hostname, port, method: req.method, path: req.url, headers: req.rawHeaders, agent: false } as const
  return new Promise((resolve, reject) => {
    const sent = sendRequest(options, (response) => {
      bodyOf(response).then((text) => {
        resolve({ status: response.statusCode as number, headers: response.rawHeaders, body: text })
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
