/** URLs that a person typed. */
import { checkIssuer, checkUrl } from '../issuer/identifiers.js'
import { isLoopbackHostname } from '../kit/fetch/secure-url.js'
import { CommandFailure } from './command-io.js'

/** Whether a person typed an http URL of this very machine: that is as good as allowing it. */
export function namesLoopback(text: string | undefined): boolean {
  if (text === undefined || !URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'http:' && isLoopbackHostname(hostname)
}

/** An issuer identifier as it was typed. @throws {@link CommandFailure} */
export function typedIssuer(text: string): string {
  return typed(() => checkIssuer('URL', text, namesLoopback(text)))
}

/** Any other URL as it was typed. @throws {@link CommandFailure} */
export function typedUrl(text: string): URL {
  return typed(() => checkUrl('URL', text, namesLoopback(text)))
}

function typed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    // What follows names options of the library.
    throw new CommandFailure((error as Error).message.split('. ')[0] as string)
  }
}
