import { currentAuth, Grant, Public, RequireScopes, RequireToken } from 'portcullis/decorators'

export const calendar = 'https://calendar.test'

/** Guarded as a whole. */
@RequireScopes('read')
export class Reports {
  readonly owner = 'reports'

  async list(...names: string[]): Promise<string> {
    return `${this.owner} of ${currentAuth()?.subject}: ${names.join()}`
  }

  @RequireScopes('write')
  @RequireToken({ acr: 'gold' })
  async create(): Promise<string> {
    return 'created'
  }

  @Public()
  ping(name: string): string {
    return `${this.owner} pong ${name}`
  }

  @Grant(calendar)
  async events(): Promise<string | undefined> {
    return currentAuth()?.access.token(calendar)
  }

  get notes(): string {
    return 'an accessor is not a method'
  }
}

/** Inherits methods that its own decorator guards as well. */
@RequireScopes('admin')
export class AdminReports extends Reports {}

/** Some methods are guarded, some are not. */
export class Mixed {
  open(): string {
    return 'open'
  }

  @RequireToken()
  async closed(): Promise<string> {
    return `closed to ${currentAuth()?.subject}`
  }
}

/** Open but for one method. */
@Public()
export class Site {
  home(): string {
    return 'home'
  }

  @RequireToken()
  async account(): Promise<string> {
    return 'account'
  }
}
