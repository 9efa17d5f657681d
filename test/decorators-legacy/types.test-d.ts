import { Grant, Public, RequireScopes, RequireToken } from 'portcullis/decorators'

/** Compiles, or the types of legacy decorators are wrong: test/types/legacy-decorators.test.ts runs the compiler. */
@RequireToken({ maxAgeSeconds: 60 })
export class Reports {
  @RequireScopes('read', 'write')
  async list(page: number): Promise<string[]> {
    return [String(page)]
  }

  @Grant('https://calendar.test')
  answer(_request: unknown, response: { end(): void }): void {
    response.end()
  }

  @Public()
  ping(): string {
    return 'pong'
  }

  // @ts-expect-error a check takes time, so that the method cannot answer at once
  @RequireToken()
  now(): string {
    return 'now'
  }

  // @ts-expect-error a field is no method
  @RequireToken()
  field = async () => 'unguarded'
}
