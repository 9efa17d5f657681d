// biome-ignore lint/style/useImportType: the class is what the metadata of parameters names.
import { AccessContext } from 'portcullis'
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

/** What only legacy decorators can: parameters by type. */
export class Injected {
  @Grant(calendar)
  async events(prefix: string, access: AccessContext, suffix = '!'): Promise<string> {
    return `${prefix}${access.token(calendar)}${suffix}`
  }
}

/** The decorator of the class injects too. */
@RequireToken()
export class InjectedByClass {
  @Noted()
  async events(access: AccessContext): Promise<string> {
    return access.status
  }
}

/** Any decorator makes the compiler write down the types of parameters. */
function Noted(): (...decorated: unknown[]) => void {
  return () => {}
}
