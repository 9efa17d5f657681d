import { Injectable } from '@nestjs/common'

/** The notes of all users. */
@Injectable()
export class NotesService {
  readonly #notes = new Map<string, string[]>()

  list(user: string): string[] {
    return this.#notes.get(user) ?? []
  }

  add(user: string, text: string): void {
    this.#notes.set(user, [...this.list(user), text])
  }
}
