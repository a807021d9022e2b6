import type { TrainingRecord } from './training-record.ts';

/** The model card, all of whose figures come from the record. */
export function modelCard(record: TrainingRecord): string {
  const { name, parameters, data, seeds, hyper, engine, heldOut, floors, digest } = record;
  const [first, last] = [heldOut[0]!, heldOut.at(-1)!];
  const heard = new Set(data.styles);
  const rows = Object.keys(last.losses).map((style) => {
    const losses = [first, last].map((one) => one.losses[style]!.toFixed(3)).join(' | ');
    return `| ${style} | ${heard.has(style) ? 'yes' : 'no'} | ${losses} | ${floors[style]!.toFixed(3)} |`;
  });
  return `---
license: cc0-1.0
pipeline_tag: text-to-audio
tags: [music, chiptune, musicgen]
---

# ${name}

A Dama of the Ruby family: ${(parameters / 1e6).toFixed(2)} million parameters that write chiptune for four channels of an 8-bit console's
sound chip, from a few words. The architecture is MusicGen's decoder with a table of ${'`'}text.words${'`'} instead of T5, the
codebooks are the chip's channels. It is small so that a whole federation trains on one laptop.

## Data

"${data.name}": ${data.clips} clips of 10.67 s by this project's own seeded composer, ${data.clipsOfEachStyle} each in the styles ${data.styles.join(', ')}.
No music of anybody else is in it. Licence of data and weights: ${data.licence}.
Digest of the dataset: ${'`'}${data.digest}${'`'}.

## Training

From nothing, ${hyper.steps} steps of ${hyper.batch} clips: AdamW (${hyper.betas.join(', ')}), weight decay ${hyper.weightDecay}, learning rate ${hyper.learningRate} down a
cosine after ${hyper.warmup} steps of warm-up, ${Math.round(100 * hyper.guidanceDropout)} % of the rows without text.
Engine: ${engine}.

| seed of | is |
|---|---|
${Object.entries(seeds).map(([of, seed]) => `| ${of} | ${'`'}${seed}${'`'} |`).join('\n')}

${'`'}npm run train:base${'`'} does the same again, byte by byte on the same engine. Digest of the weights: ${'`'}${digest}${'`'}.

![loss over the steps](loss-curve.svg)

## Held-out loss

Nats per code on ${record.heldOutClipsOfEachStyle} fresh clips of each style (a uniform guess: ${Math.log(64).toFixed(2)}). The floor is the entropy of the composer's own
choices; the true one lies a little below. The styles it never heard are for others to teach.

| style | heard | before | after ${last.step} steps | floor |
|---|---|---|---|---|
${rows.join('\n')}

## Use

${'`'}genki generate "cheerful town major brisk square drums" -o town.wav${'`'} · guidance 1, temperature .8 to 1: stronger guidance
over-sharpens a model this small. It knows no word outside its table, no style but those above, and nothing longer than one clip.
`;
}
