import { captionOf } from '../../genki/data/caption.ts';
import { perform } from '../../genki/data/composer.ts';
import { STICKS } from '../../genki/data/drum-notation.ts';
import { drawPlan, type Plan } from '../../genki/data/plan.ts';
import { STYLE_NAMES, TEMPOS, type FramesPerBeat, type Style } from '../../genki/data/styles/style.ts';
import { styleNamed } from '../../genki/data/styles/styles.ts';
import { CHANNELS, CLIP_FRAMES, encodeNotes } from '../../genki/music/apu/codes.ts';
import type { Clip } from '../../genki/music/clip.ts';
import { Random } from '../../genki/protocol/random.ts';

const ALL_TEMPOS = Object.keys(TEMPOS).map((frames) => Number(frames) as FramesPerBeat);

/** How often a mixture takes each thing from elsewhere. */
const FOREIGN = 0.5;
const PITCH_CLASSES = 12;

/**
 * A piece in a style in which any of key, tempo, mode with its mood, accompaniment and drums may be another style's, of
 * the same metre where that matters: each word of its caption can then be told only by what it means.
 */
export function composeMixture(style: string, seed: string): Clip {
  const random = new Random(`mixture/${style}/${seed}`);
  const of = styleNamed(style);
  const plan = mixedPlan(of, random);
  const notes = perform(of, plan);
  return { codes: encodeNotes(notes, CLIP_FRAMES), numCodebooks: CHANNELS.length, frames: CLIP_FRAMES, caption: captionOf(of, plan, notes), style };
}

function mixedPlan(style: Style, random: Random): Plan {
  const own = drawPlan(style, random);
  const sister = (): Style => random.pick(STYLE_NAMES.map(styleNamed).filter(({ beats }) => beats === style.beats));
  const { mode, mood } = random.chance(FOREIGN) ? random.pick(styleNamed(random.pick(STYLE_NAMES)).modes) : { mode: own.key.mode, mood: own.mood };
  const drums = random.chance(FOREIGN) ? { drums: random.pick(sister().drums), kit: STICKS } : {};
  return {
    ...own,
    ...drums,
    mood,
    key: { mode, tonic: random.chance(FOREIGN) ? random.int(PITCH_CLASSES) : own.key.tonic },
    framesPerBeat: random.chance(FOREIGN) ? random.pick(ALL_TEMPOS) : own.framesPerBeat,
    texture: random.chance(FOREIGN) ? random.pick(sister().textures) : own.texture,
  };
}
