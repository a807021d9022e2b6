import type { ClapRecord } from './training-record.ts';

const figure = (x: number): string => x.toFixed(Math.abs(x) < 10 ? 2 : 1).replace('-0.00', '0.00');

/** The model card, all of whose figures come from the record. */
export function clapCard(record: ClapRecord): string {
  const { name, parameters, data, batch, hyper, seeds, engine, digest, heldOut, measured } = record;
  const pairs = [...Object.entries(measured.cosines)].map(([what, { mean, deviation, most }]) => {
    const best = measured.bestCaption[what];
    return `| ${what} | ${figure(mean)} ± ${figure(deviation)} | ${figure(most)} | ${best === undefined ? '' : figure(best.mean)} |`;
  });
  return `---
license: cc0-1.0
pipeline_tag: feature-extraction
tags: [music, chiptune, clap]
---

# ${name}

An embedder of ${Math.round(parameters / 1000)} thousand parameters that puts chiptune and the words that are said of it into one space: a CLAP small
enough to train in minutes and to run beside everything else. The embedded network judges with it how well a clip fits
its prompt, and how far miners' clips lie from one another.

## How it hears

Mono at 32 kHz. The log-mel of .64 s is a window: patches of it are embedded, mixed over time and channels
(MLP-Mixer) and pooled into 64 features, which a Fréchet distance is taken over. Mean and deviation of the windows'
features make the clip's embedding, of length 1, together with the clip's rhythm (after which times onsets return) and its
pitch profile (how much each pitch class sounds, in bass and melody). Any length will do; what the last window lacks comes
from the clip's beginning. A caption is the mean of its words' rows, then two linear layers. Words that it does not know
it passes over; a caption without any that it knows is refused.

## Data

${data.styles.length * data.clipsOfEachStyle} clips of 10.67 s by this project's own seeded composer, ${data.clipsOfEachStyle} each in the styles ${data.styles.join(', ')};
${data.mixtures} mixtures, in which key, tempo, mode with its mood, accompaniment and drums may be another style's; and ${data.junkOfEachKind} of each kind
of what is no music.
No music of anybody else is in it. Licence of data and weights: ${record.licence}.

## Training

From nothing, ${hyper.steps} steps of ${batch.clips} clips, ${batch.junk} sounds of junk and ${batch.foils} captions with a word that is not true: InfoNCE at temperature ${hyper.temperature}
in which a caption wants every clip that all of its words are said of, and junk wants a word of its own that no caption
has. AdamW (${hyper.betas.join(', ')}), weight decay ${hyper.weightDecay}, learning rate ${hyper.learningRate} down a cosine after ${hyper.warmup} steps of warm-up.
Engine: ${engine}.

| seed of | is |
|---|---|
${Object.entries(seeds).map(([of, seed]) => `| ${of} | ${'`'}${seed}${'`'} |`).join('\n')}

${'`'}npm run train:clap${'`'} does the same again, byte by byte on the same machine. Digest of the weights: ${'`'}${digest}${'`'}.

## Held-out music

${heldOut.clipsOfEachStyle} fresh clips of each style, ${heldOut.mixtures} mixtures, ${heldOut.junkOfEachKind} sounds of each kind of junk.

| what is found | among | right |
|---|---|---|
${Object.entries(measured.retrieval).map(([what, { of, right }]) => `| ${what} | ${of} | ${(100 * right).toFixed(0)} % |`).join('\n')}

Cosine of a clip with

| | mean | highest | with the caption that suits it best |
|---|---|---|---|
${pairs.join('\n')}

Whoever may choose the caption gets the last column, so a clip is judged by the caption that it was made for.

Fréchet distance of ${heldOut.frechetClips} clips' windows

| | mean | least | highest |
|---|---|---|---|
${Object.entries(measured.frechet).map(([what, { mean, least, most }]) => `| ${what} | ${figure(mean)} | ${figure(least)} | ${figure(most)} |`).join('\n')}

## Limits

It knows no music but the composer's and no word outside its table. It tells styles and tempos, modes less well. It was not
trained against clips that are made to please it: train a model against its scores and they say nothing any more.
`;
}
