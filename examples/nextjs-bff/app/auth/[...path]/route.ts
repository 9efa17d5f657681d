import { loginRoutes } from 'portcullis/fetch'
import { getLogin } from '../../../lib/login'

async function answer(request: Request): Promise<Response> {
  return (await loginRoutes(getLogin())(request)) ?? new Response(null, { status: 404 })
}

export { answer as GET, answer as POST }
