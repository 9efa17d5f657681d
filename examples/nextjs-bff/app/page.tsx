import { currentSession } from '../lib/login'
import { Notes } from './notes'

export default async function Page() {
  const session = await currentSession()
  if (session === undefined) {
    return (
      <main>
        <h1>Notes</h1>
        <a href="/auth/login?returnTo=/">Sign in</a>
      </main>
    )
  }
  return (
    <main>
      <h1>Notes of {session.account.subject}</h1>
      <Notes />
      <form method="post" action="/auth/logout">
        <button type="submit">Sign out</button>
      </form>
    </main>
  )
}
