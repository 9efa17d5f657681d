'use client'

import { useEffect, useState } from 'react'

/** The page calls its own server, with its cookie. Where that says 401, the user signs in again and comes back. */
export function Notes() {
  const [notes, setNotes] = useState<readonly string[]>([])

  useEffect(() => {
    async function load() {
      const answer = await fetch('/api/notes')
      if (answer.status === 401) location.assign((await answer.json()).login_url)
      else setNotes(await answer.json())
    }
    load().catch(console.error)
  }, [])

  return (
    <ul>
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  )
}
