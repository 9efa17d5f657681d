import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common'
import { AuthError, type HttpAnswer, preflightAnswer, type Refused, type ResourceServer } from '../../src/index.js'
import { authOf, type PlatformRequest, type PlatformResponse, sendAnswer, setFields } from './platform.js'

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
  constructor({ error, answer }: Refused, response: PlatformResponse) {
    super(answer.body === '' ? '' : JSON.parse(answer.body), answer.status, { cause: error })
    const [own, early] = splitContentType(answer.headers)
    this.answer = { ...answer, headers: own }
    setFields(response, early)
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

/** Answers refusals and preflights, and the {@link AuthError}s handlers throw, with the exact bytes of the contract. */
export class RefusalFilter implements ExceptionFilter<Caught> {
  readonly #server: ResourceServer

  constructor(server: ResourceServer) {
    this.#server = server
  }

  catch(exception: Caught, host: ArgumentsHost): void {
    if (host.getType() === 'http') this.#answer(exception, host.switchToHttp())
    else new Logger('Portcullis').error(exception.message)
  }

  #answer(exception: Caught, http: ReturnType<ArgumentsHost['switchToHttp']>): void {
    const auth = authOf(http.getRequest<PlatformRequest>())
    const { answer } = exception instanceof AuthError ? this.#server.refuse(exception, auth) : exception
    sendAnswer(http.getResponse(), answer)
  }
}

Catch(AuthError, RefusalException, PreflightException)(RefusalFilter)

function splitContentType(headers: HttpAnswer['headers']): [HttpAnswer['headers'], HttpAnswer['headers']] {
  const { 'Content-Type': type, ...others } = headers
  return [type === undefined ? {} : { 'Content-Type': type }, others]
}
