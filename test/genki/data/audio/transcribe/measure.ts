import { compose } from '../../../../../genki/data/composer.ts';
import { transcribe } from '../../../../../genki/data/audio/transcribe/transcribe.ts';
import { STYLE_NAMES } from '../../../../../genki/data/styles/style.ts';
import { CHANNELS, CLIP_FRAMES, decodeNotes, FRAME_RATE, type NoteEvent } from '../../../../../genki/music/apu/codes.ts';
import { renderCodes, SAMPLE_RATE } from '../../../../../genki/music/apu/synthesizer.ts';
import { f1, isSameDrum, isSameNote, type Score, scoreOf, sumOf } from './note-score.ts';
import { babble, pinkNoise, strings, whiteNoise } from './sounds.ts';

// How well `transcribe` does: npx tsx test/genki/data/audio/transcribe/measure.ts [seeds] [name]; thresholds are tuned on `tune`.
const count = Number(process.argv[2] ?? 4);
const seeds = Array.from({ length: count }, (_, i) => `${process.argv[3] ?? 'test'}/${i}`);
const SECONDS = CLIP_FRAMES / FRAME_RATE;
const heard = (sound: Float32Array): ReturnType<typeof transcribe> => transcribe({ channels: [sound], sampleRate: SAMPLE_RATE }, { frames: CLIP_FRAMES, frameRate: FRAME_RATE });
const scores: Record<string, Score[]> = {};
const add = (name: string, score: Score): void => void (scores[name] ??= []).push(score);
const confidences: Record<string, number[]> = {};
const samePitch = (a: NoteEvent, b: NoteEvent): boolean => 'midi' in a && 'midi' in b && a.midi === b.midi;
const sameClass = (a: NoteEvent, b: NoteEvent): boolean => 'midi' in a && 'midi' in b && (a.midi - b.midi) % 12 === 0;
const sameDuty = (a: NoteEvent, b: NoteEvent): boolean => isSameNote(a, b) && 'duty' in a && 'duty' in b && a.duty === b.duty;
let spent = 0;

for (const style of STYLE_NAMES) {
  for (const seed of seeds) {
    const clip = compose({ style, seed });
    const sound = renderCodes(clip.codes);
    const began = process.cpuUsage().user;
    const { codes, confidence } = heard(sound);
    spent += process.cpuUsage().user - began;
    const [wanted, found] = [clip.codes, codes].map((of) => decodeNotes(of, CLIP_FRAMES)) as [NoteEvent[], NoteEvent[]];
    const of = (notes: readonly NoteEvent[], ...channels: string[]): NoteEvent[] => notes.filter(({ channel }) => channels.includes(channel));
    for (const channel of CHANNELS.slice(0, 3)) add(channel, scoreOf(of(wanted, channel), of(found, channel), isSameNote));
    const pitched = [wanted, found].map((notes) => of(notes, ...CHANNELS.slice(0, 3))) as [NoteEvent[], NoteEvent[]];
    add('pitched', scoreOf(...pitched, isSameNote));
    add(`pitched, ${style}`, scoreOf(...pitched, isSameNote));
    add('pitched, in any channel', scoreOf(...pitched, samePitch));
    add('pitched, in any channel and octave', scoreOf(...pitched, sameClass));
    add('pulses with their duty', scoreOf(of(wanted, 'pulse1', 'pulse2'), of(found, 'pulse1', 'pulse2'), sameDuty));
    add('drums, onsets', scoreOf(of(wanted, 'noise'), of(found, 'noise'), () => true));
    add('drums, kinds', scoreOf(of(wanted, 'noise'), of(found, 'noise'), isSameDrum));
    (confidences.chip ??= []).push(confidence);
  }
}
for (const seed of seeds) {
  for (const [name, lowest] of [['one string', [60]], ['two strings', [43, 65]], ['three strings', [45, 60, 72]], ['eight strings', [36, 45, 48, 52, 57, 60, 64, 72]]] as const) {
    const { sound, notes } = strings({ seconds: SECONDS, seed }, lowest);
    const { codes, confidence } = heard(sound);
    const wanted = notes.map(({ midi, at }): NoteEvent => ({ channel: 'triangle', at: Math.floor(at * FRAME_RATE + 1e-6), frames: 1, midi }));
    add(`${name}, in any channel`, scoreOf(wanted, decodeNotes(codes, CLIP_FRAMES).filter(({ channel }) => channel !== 'noise'), samePitch));
    (confidences[name] ??= []).push(confidence);
  }
  for (const [name, make] of [['white noise', whiteNoise], ['pink noise', pinkNoise], ['babble', babble]] as const) (confidences[name] ??= []).push(heard(make({ seconds: SECONDS, seed })).confidence);
}
for (const [name, all] of Object.entries(scores)) {
  const { wanted, found, right } = sumOf(all);
  process.stdout.write(`${name.padEnd(36)} F1 ${f1({ wanted, found, right }).toFixed(3)}, recall ${(right / wanted).toFixed(3)}, precision ${(right / found).toFixed(3)}\n`);
}
for (const [name, all] of Object.entries(confidences)) process.stdout.write(`confidence, ${name.padEnd(24)} ${Math.min(...all).toFixed(3)} to ${Math.max(...all).toFixed(3)}\n`);
process.stdout.write(`${(spent / 1000 / STYLE_NAMES.length / count).toFixed(0)} ms of CPU a clip\n`);
