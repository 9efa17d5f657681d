import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Provider } from 'oidc-provider'
import { answerInteraction } from './automatic-login.js'

/**
 * Has a person sign in: shows a page with a button for each user, and one to cancel. Consent needs no click. The first `acr`
 * that was asked for is the one the user signs in at.
 */
export async function showLoginPage(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { prompt, params } = await provider.interactionDetails(req, res)
  if (prompt.name !== 'login') return answerInteraction(provider, req, res)
  const [acr] = String(params['acr_values'] ?? '').split(' ')
  if (req.method !== 'POST') {
    res.setHeader('content-type', 'text/html; charset=utf-8')
    return void res.end(page(acr === 'urn:example:mfa'))
  }
  const accountId = new URLSearchParams(await text(req)).get('user')
  if (accountId === null) return provider.interactionFinished(req, res, { error: 'access_denied' })
  return provider.interactionFinished(req, res, { login: { accountId, ...(acr && { acr }) } })
}

function page(wantsSecondFactor: boolean): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in at the authorization server</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto}button{display:block;font:inherit;margin:.5rem 0;padding:.5rem 1rem}</style>
<main>
<h1>The authorization server</h1>
<p>${wantsSecondFactor ? 'The application wants a second factor. Here it is a click as well.' : 'Who are you?'}</p>
<form method="post">
<button name="user" value="alice">Sign in as alice</button>
<button name="user" value="bob">Sign in as bob</button>
<button>Cancel</button>
</form>
</main>
</html>
`
}
