import { compose } from '../../genki/data/composer.ts';
import { type JunkKind, JUNK_KINDS, junkSound } from '../../genki/evaluation/clap/junk.ts';
import type { Example } from '../../genki/evaluation/clap/nano/batch.ts';
import { Ear } from '../../genki/evaluation/clap/nano/sound.ts';
import { renderCodes } from '../../genki/music/apu/synthesizer.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { Random } from '../../genki/protocol/random.ts';
import { CONFIG, CORPUS, SEEDS } from './recipe.ts';
import { composeMixture } from './mixture.ts';

export type Corpus = { readonly music: readonly Example[]; readonly junk: readonly Example[] };

/** All that is learnt from, heard once. */
export function composeCorpus(report: (done: number, all: number) => void = () => undefined): Corpus {
  const ear = new Ear(CONFIG);
  const { styles, clipsOfEachStyle, mixtures, junkOfEachKind } = CORPUS;
  const all = styles.length * clipsOfEachStyle + mixtures + JUNK_KINDS.length * junkOfEachKind;
  let done = 0;
  const heard = (samples: Float32Array, caption: string): Example => {
    report(++done, all);
    return { sound: ear.hear(samples), caption };
  };
  const played = ({ codes, caption }: Clip): Example => heard(renderCodes(codes), caption);
  const pure = styles.flatMap((style) => Array.from({ length: clipsOfEachStyle }, (_, i) => compose({ style, seed: `${SEEDS.data}/${i}` })));
  const mixed = Array.from({ length: mixtures }, (_, i) => composeMixture(styles[i % styles.length]!, `${SEEDS.data}/${i}`));
  const junk = JUNK_KINDS.flatMap((kind) => Array.from({ length: junkOfEachKind }, (_, i) => heard(junkOf(kind, `${SEEDS.data}/${i}`), '')));
  return { music: [...pure, ...mixed].map(played), junk };
}

/** Junk of a kind, the same for the same seed. */
export function junkOf(kind: JunkKind, seed: string): Float32Array {
  const random = new Random(`junk/${kind}/${seed}`);
  return junkSound(kind, compose({ style: random.pick(CORPUS.styles), seed: `junk/${seed}` }), random);
}
