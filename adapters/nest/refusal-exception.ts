import { type ArgumentsHost, Catch, type ExecutionContext, HttpException } from '@nestjs/common'
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core'
import { AuthError, InternalError, preflightAnswer } from '../../src/adapter.js'
import type { Auth, HttpAnswer, Refused, ResourceServer } from '../../src/index.js'
import { authOf, type PlatformResponse, sendAnswer, setFields } from './caller.js'

/**
 * What the guard throws: an `HttpException` with the status and the body of the answer, the {@link AuthError} as its
 * `cause`. All fields of the answer but its type are set by then, so that a filter of the application that catches
 * everything and writes a body of its own keeps the challenges.
 *
 * @group NestJS
 */
export class RefusalException extends HttpException {
  /** Why. */
  declare readonly cause: AuthError
  /** What is left to send: status, content type and body. */
  readonly answer: HttpAnswer

  /** @hidden The guard makes it. */
  constructor({ error, answer }: Refused, response: PlatformResponse | undefined) {
    super(answer.body === '' ? '' : JSON.parse(answer.body), answer.status, { cause: error })
    this.message = error.description
    this.answer = setEarlyFields(response, answer)
  }
}

type Caught = AuthError | RefusalException | PreflightException

/** Ends a CORS preflight before the handler, as an exception, since a guard has no other way. */
export class PreflightException extends HttpException {
  readonly answer = preflightAnswer

  constructor() {
    super('', preflightAnswer.status)
  }
}

/** A filter that NestJS is given an instance of, and not the class. */
export abstract class PlatformFilter<Exception> extends BaseExceptionFilter<Exception> {
  /** Read by NestJS when an exception comes: the platform is not known before. */
  protected override readonly httpAdapterHost: HttpAdapterHost

  constructor(httpAdapterHost: HttpAdapterHost) {
    super()
    this.httpAdapterHost = httpAdapterHost
  }
}

/**
 * Answers refusals and preflights, and the {@link AuthError}s handlers throw, with the exact bytes of the contract. A fault
 * of the application, and what is no HTTP request, it leaves to NestJS.
 */
export class RefusalFilter extends PlatformFilter<Caught> {
  readonly #server: ResourceServer

  constructor(server: ResourceServer, httpAdapterHost: HttpAdapterHost) {
    super(httpAdapterHost)
    this.#server = server
  }

  override catch(exception: Caught, host: ArgumentsHost): void {
    if (host.getType() !== 'http') return
    const http = host.switchToHttp()
    const { answer, fault } = this.#answerTo(exception, authOf(http.getRequest()))
    if (fault) super.catch(exception, host)
    else sendAnswer(http.getResponse(), answer)
  }

  #answerTo(exception: Caught, auth: Auth | undefined): Pick<Refused, 'answer' | 'fault'> {
    if (exception instanceof AuthError) return this.#server.refuse(exception, auth)
    return { answer: exception.answer, fault: false }
  }
}

Catch(AuthError, RefusalException, PreflightException)(RefusalFilter)

/** Sets all fields of an answer but its type. Returns what is left to send. */
export function setEarlyFields(response: PlatformResponse | undefined, answer: HttpAnswer): HttpAnswer {
  const { 'Content-Type': type, ...early } = answer.headers
  if (response !== undefined) setFields(response, early)
  return { ...answer, headers: type === undefined ? {} : { 'Content-Type': type } }
}

/** What the guard throws for a refusal: in the form that clients of this transport are told of, with the reason as `cause`. */
export async function refusalOf(
  context: ExecutionContext,
  refused: Refused,
  response: PlatformResponse | undefined,
): Promise<Error> {
  if (refused.fault) return refused.error instanceof InternalError ? refused.error : new InternalError(refused.error)
  const type = context.getType<string>()
  if (type === 'ws') return because(refused, new (await import('@nestjs/websockets')).WsException(toldOf(refused)))
  if (type === 'rpc') return because(refused, new (await import('@nestjs/microservices')).RpcException(toldOf(refused)))
  return new RefusalException(refused, response)
}

/** As NestJS tells clients of sockets and queues of errors, with the members of the HTTP answer. */
function toldOf({ error, answer }: Refused): object {
  return { status: 'error', message: error.description, ...(answer.body !== '' && JSON.parse(answer.body)) }
}

function because({ error }: Refused, exception: Error): Error {
  return Object.defineProperty(exception, 'cause', { value: error })
}
