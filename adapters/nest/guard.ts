import { type CanActivate, type ExecutionContext, HttpException } from '@nestjs/common'
import { isPreflight } from '../../src/index.js'
import type { Gates, Judge } from './gates.js'
import { factsOf, isGone, type PlatformRequest, type PlatformResponse, setAuth, setFields } from './platform.js'
import { PreflightException, RefusalException } from './refusal.js'

/**
 * The global guard: every handler that is not `@Public()` demands a token. What it cannot judge, such as the messages of
 * a socket or a queue, it does not let through.
 */
export function createGuard(gates: Gates): CanActivate {
  return {
    async canActivate(context: ExecutionContext) {
      const judge = gates(context.getClass(), context.getHandler())
      if (context.getType() === 'http') await admit(context.switchToHttp(), judge)
      else if (judge !== undefined) throw unjudged(context.getType())
      return true
    },
  }
}

async function admit(http: ReturnType<ExecutionContext['switchToHttp']>, judge: Judge | undefined): Promise<void> {
  const request = http.getRequest<PlatformRequest>()
  setAuth(request, undefined)
  if (judge === undefined) return
  const facts = factsOf(request)
  if (isPreflight(facts)) throw new PreflightException()
  const result = await judge(facts)
  const response = http.getResponse<PlatformResponse>()
  if (isGone(response)) throw new HttpException('The client closed the request', 499)
  if (!result.ok) throw new RefusalException(result, response)
  setFields(response, result.headers)
  setAuth(request, result.auth)
}

function unjudged(type: string): Error {
  return new Error(
    `Portcullis judges HTTP requests, and this is '${type}': declare the handler @Public() and let it verify its token ` +
      'by `server.verify`.',
  )
}
