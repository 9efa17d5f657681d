import { BadRequestException, Body, Controller, Get, Post } from '@nestjs/common'
import { Auth, OptionalToken, RequireScopes } from 'portcullis/nest'
import { NotesService } from './notes.service.js'

@Controller()
export class NotesController {
  constructor(private readonly notes: NotesService) {}

  @Get('hello')
  @OptionalToken()
  hello(@Auth() auth?: Auth) {
    return { hello: auth?.subject ?? 'stranger' }
  }

  @Get('notes')
  @RequireScopes('notes:read')
  list(@Auth() auth: Auth) {
    return this.notes.list(auth.subject)
  }

  @Post('notes')
  @RequireScopes('notes:write')
  add(@Auth() auth: Auth, @Body('text') text: unknown) {
    if (typeof text !== 'string') throw new BadRequestException('A note is { "text": "…" }.')
    this.notes.add(auth.subject, text)
    return { text }
  }
}
