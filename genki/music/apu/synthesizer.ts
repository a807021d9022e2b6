import { InvalidInput } from '../../errors.ts';
import type { Codes } from '../clip.ts';
import { CHANNELS, decodeNotes, FRAME_RATE, type DrumHit, type NoteEvent, type PulseNote, type TriangleNote } from './codes.ts';
import { DRUM_SOUNDS, type Body } from './drums.ts';
import { NoiseRegister } from './noise-register.ts';

/** Samples a second. */
export const SAMPLE_RATE = 32_000;

// Peaks by channel add up to .9: a full mix never clips. The limiter below is for what filtering and crossfades add.
const GAIN = { pulse1: 0.24, pulse2: 0.16, triangle: 0.26, noise: 0.24 } as const;
const DUTY = [0.5, 0.25] as const;
/** A narrow pulse without its constant part is lopsided; this keeps its peak at 1.2 and its loudness near the square's. */
const DUTY_SCALE = [1, 0.8] as const;
const VOLUME = [0.3, 0.5, 0.75, 1] as const;
/** Every note fades in while the one before it fades out, both linearly over 4 ms: no step, and never more than one note's peak. */
const RAMP = 0.004 * SAMPLE_RATE;
/** A long note begins to sway after .4 s, by 7 cents, 5.5 times a second. */
const VIBRATO = { after: 0.4 * SAMPLE_RATE, radians: (2 * Math.PI * 5.5) / SAMPLE_RATE, depth: 0.004 } as const;

/**
 * The sound of some codes.
 * @param codes shape [4, frames]
 * @param frameRate frames a second
 * @returns mono at 32 kHz, round(frames · 32000 / frameRate) samples, without a constant part, peak below .9
 * @throws {InvalidInput} naming the channel, frame and value of a code that is none
 */
export function renderCodes(codes: Codes, { frameRate = FRAME_RATE }: { frameRate?: number } = {}): Float32Array {
  if (codes.length % CHANNELS.length !== 0) throw new InvalidInput(`Expected codes of ${CHANNELS.length} channels, got ${codes.length} in all`);
  const frames = codes.length / CHANNELS.length;
  const sampleAt = (frame: number): number => Math.round((frame * SAMPLE_RATE) / frameRate);
  const mix = new Float32Array(sampleAt(frames));
  const register = new NoiseRegister(SAMPLE_RATE);
  for (const note of decodeNotes(codes, frames)) {
    const from = sampleAt(note.at);
    const until = sampleAt(note.at + note.frames);
    // the fade-out lies under the next note's fade-in
    renderNote({ samples: mix.subarray(from, until + RAMP), held: until - from }, note, register);
  }
  return finish(mix);
}

/** Where a note is added to the mix, and after how many samples it is let go. */
type Voice = { readonly samples: Float32Array; readonly held: number };

const hertz = (midi: number): number => 440 * 2 ** ((midi - 69) / 12);

function renderNote(voice: Voice, note: NoteEvent, register: NoiseRegister): void {
  switch (note.channel) {
    case 'pulse1':
    case 'pulse2':
      return pulse(voice, note);
    case 'triangle':
      return triangle(voice, note);
    case 'noise':
      return drum(voice, note, register);
  }
}

/** 1 within the note, linear over `RAMP` samples at its ends. */
function fade(i: number, held: number): number {
  const rise = i < RAMP ? i / RAMP : 1;
  return i < held ? rise : rise * (1 - (i - held) / RAMP);
}

/** A pulse wave with band-limited edges (PolyBLEP, Välimäki and Huovinen 2007), decaying to .45 of its level. */
function pulse({ samples, held }: Voice, { channel, midi, duty }: PulseNote): void {
  const width = DUTY[duty];
  const centre = 1 - 2 * width;
  const step = hertz(midi) / SAMPLE_RATE;
  const gain = GAIN[channel] * DUTY_SCALE[duty];
  const decay = Math.exp(-1 / (0.28 * SAMPLE_RATE));
  let level = 0.55;
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    const wave = (phase < width ? 1 : -1) + edge(phase, step) - edge(phase < width ? phase - width + 1 : phase - width, step);
    samples[i]! += gain * fade(i, held) * (0.45 + level) * (wave + centre);
    level *= decay;
    const bend = i < VIBRATO.after ? 0 : VIBRATO.depth * Math.sin(VIBRATO.radians * (i - VIBRATO.after));
    phase += step * (1 + bend);
    if (phase >= 1) phase -= 1;
  }
}

/** What a step of 2 at phase 0 lacks of a band-limited one. */
function edge(phase: number, step: number): number {
  if (phase < step) {
    const t = phase / step - 1;
    return -t * t;
  }
  if (phase > 1 - step) {
    const t = (phase - 1) / step + 1;
    return t * t;
  }
  return 0;
}

/** A smooth triangle: its harmonics fall by n², so even the highest note aliases below −45 dB. */
function triangle({ samples, held }: Voice, { midi }: TriangleNote): void {
  const step = hertz(midi) / SAMPLE_RATE;
  let phase = 0.25; // a zero crossing
  for (let i = 0; i < samples.length; i++) {
    samples[i]! += GAIN.triangle * fade(i, held) * (1 - 4 * Math.abs(phase - 0.5));
    phase += step;
    if (phase >= 1) phase -= 1;
  }
}

function drum(voice: Voice, hit: DrumHit, register: NoiseRegister): void {
  const { samples, held } = voice;
  const { period, short, decayMs, gain, body } = DRUM_SOUNDS[hit.drum];
  const volume = GAIN.noise * VOLUME[hit.volume];
  const decay = timeConstant(decayMs);
  register.tune(period, short);
  let level = gain;
  for (let i = 0; i < samples.length; i++) {
    samples[i]! += volume * hitFade(i, held) * level * register.sample();
    level *= decay;
  }
  if (body !== undefined) strike(voice, { ...body, gain: body.gain * volume });
}

function strike({ samples, held }: Voice, { fromHz, toHz, sweepMs, decayMs, gain }: Body): void {
  const decay = timeConstant(decayMs);
  const sweep = timeConstant(sweepMs);
  let level = gain;
  let above = fromHz - toHz;
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    samples[i]! += hitFade(i, held) * level * Math.sin(2 * Math.PI * phase);
    level *= decay;
    phase += (toHz + above) / SAMPLE_RATE;
    above *= sweep;
  }
}

/** A hit speaks within .5 ms; 4 ms would take its bite. */
const hitFade = (i: number, held: number): number => Math.min(1, i / 16) * (i < held ? 1 : 1 - (i - held) / RAMP);
/** The factor per sample that leaves 1/e after so many milliseconds. */
const timeConstant = (ms: number): number => Math.exp(-1000 / (ms * SAMPLE_RATE));

/** Takes away what lies below 20 Hz, softens what lies above 9 kHz, and bends what exceeds .75 so that it stays below .9. */
function finish(mix: Float32Array): Float32Array {
  const low = 1 - Math.exp((-2 * Math.PI * 20) / SAMPLE_RATE);
  const high = 1 - Math.exp((-2 * Math.PI * 9000) / SAMPLE_RATE);
  let constant = 0;
  let smooth = 0;
  for (let i = 0; i < mix.length; i++) {
    constant += low * (mix[i]! - constant);
    smooth += high * (mix[i]! - constant - smooth);
    const over = Math.abs(smooth) - 0.75;
    mix[i] = over <= 0 ? smooth : Math.sign(smooth) * (0.75 + 0.14 * Math.tanh(over / 0.14));
  }
  return mix;
}
