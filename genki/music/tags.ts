/** What a sound file says of itself; texts without control characters, of bounded length. */
export type Tags = {
  readonly title: string;
  readonly artist: string;
  readonly software: string;
  readonly comment: string;
};

/** How a piece came to be: enough to make it again. */
export type Origin = {
  readonly prompt: string;
  /** Its name, and the content digest of its tensors. */
  readonly dama: { readonly name: string; readonly digest: string };
  /** sha256 of the adapter that it was played through. */
  readonly adapter?: string;
  readonly seed: string;
  readonly guidance: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP?: number;
};

const SOFTWARE = 'Genki-Dama';
const MAX_CHARACTERS = 250;

/** The tags of a piece: the prompt as its title, and in the comment the Dama, its digest, and how it was drawn. */
export function tagsOf({ prompt, dama, adapter, seed, guidance, temperature, topK, topP }: Origin): Tags {
  const drawn = [`guidance ${guidance}`, `temperature ${temperature}`, `top-k ${topK}`, ...(topP === undefined ? [] : [`top-p ${topP}`])];
  // each in its own bounds, lest a long seed pushes the others out
  const said = [`Dama ${dama.name} ${dama.digest}`, ...(adapter === undefined ? [] : [`adapter ${adapter}`]), `seed ${seed}`, ...drawn];
  return { title: tagText(prompt), artist: SOFTWARE, software: SOFTWARE, comment: said.map(tagText).join('; ') };
}

/** Without control characters, line ends, turns of the writing direction and halves of characters, and not longer than players show. */
export function tagText(text: string): string {
  const wellFormed = new TextDecoder().decode(new TextEncoder().encode(text));
  const plain = wellFormed.replace(/[\p{Cc}\p{Bidi_Control}\s]+/gu, ' ').trim();
  const characters = Array.from(plain);
  return characters.length <= MAX_CHARACTERS ? plain : `${characters.slice(0, MAX_CHARACTERS - 1).join('')}…`;
}
