import { createAuthenticatedFetch, staticSource, tokenSetFromResponse } from 'portcullis/client'
import { expect, it } from 'vitest'

it('[S1-35] goes out by the platform where no `fetch` is given', async () => {
  const original = globalThis.fetch
  const called: unknown[] = []
  globalThis.fetch = async (url) => {
    called.push(url)
    return new Response('platform')
  }
  try {
    const api = createAuthenticatedFetch(
      staticSource(tokenSetFromResponse({ access_token: 'x', token_type: 'Bearer' })),
      { allowedOrigins: 'https://api.example.com' },
    )
    expect(await (await api('https://api.example.com/')).text()).toBe('platform')
  } finally {
    globalThis.fetch = original
  }
  expect(called).toEqual(['https://api.example.com/'])
})
