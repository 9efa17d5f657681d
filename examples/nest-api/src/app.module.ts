import { type DynamicModule, Module } from '@nestjs/common'
import type { ResourceServer } from 'portcullis'
import { PortcullisModule } from 'portcullis/nest'
import { NotesController } from './notes.controller.js'
import { NotesService } from './notes.service.js'

/** An API where each user keeps notes. With `PortcullisModule` every handler demands a token unless it says otherwise. */
@Module({ controllers: [NotesController], providers: [NotesService] })
export class AppModule {
  /** @param server - says whose tokens the API accepts. */
  static forServer(server: ResourceServer): DynamicModule {
    return { module: AppModule, imports: [PortcullisModule.forRoot({ server, requireDeclaration: true })] }
  }
}
