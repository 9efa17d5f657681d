/** A piece of a sentence: words, or code that stood between backticks. */
export interface SentencePart {
  readonly text: string
  readonly isCode: boolean
}

/** The pieces of a sentence, without the address of the troubleshooting page at its end, which the page links itself. */
export function sentenceParts(sentence: string): readonly SentencePart[] {
  return sentence
    .replace(/ See https:\/\/\S+$/, '')
    .split('`')
    .map((text, index) => ({ text, isCode: index % 2 === 1 }))
    .filter(({ text }) => text !== '')
}
