/** A page of the demo, with links to all there is to try. `script` names a file it loads. */
export function htmlPage(title: string, text?: string, script?: string): string {
  const escaped = (raw: string) => raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}nav a{margin-right:1rem}pre{overflow:auto}</style>
<nav>
<a href="/">Home</a>
<a href="/auth/login">Sign in</a>
<a href="/profile">A protected page</a>
<a href="/agenda">A call to the API</a>
<a href="/keys">A call that needs a second factor</a>
<a href="/auth/logout">Sign out</a>
</nav>
<main>
<h1>${escaped(title)}</h1>
${text === undefined ? '' : `<pre>${escaped(text)}</pre>`}
</main>
${script === undefined ? '' : `<script src="/${script}.js"></script>`}
</html>
`
}
