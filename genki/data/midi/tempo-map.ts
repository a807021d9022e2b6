import { InvalidInput } from '../../errors.ts';
import { MIDI_LIMITS } from './check-bytes.ts';
import type { MidiSong } from './song.ts';

const DEFAULT_MICROSECONDS_PER_BEAT = 500_000;
const FOUR_FOUR = { tick: 0, numerator: 4, denominator: 4 } as const;

/** When a song's ticks sound, and where its bars begin. */
export type TempoMap = {
  secondsAt(tick: number): number;
  /** May lie between two. */
  tickAt(seconds: number): number;
  /** Quarter notes a minute; undefined when the file counts seconds and not beats. */
  tempoAt(tick: number): number | undefined;
  meterAt(tick: number): { readonly numerator: number; readonly denominator: number };
  /** The last bar line not after these seconds, in seconds. */
  barLineBefore(seconds: number): number;
  /** The first bar line after these seconds, in seconds. */
  barLineAfter(seconds: number): number;
};

/** @throws {InvalidInput} when the song lasts longer than the limit */
export function tempoMapOf({ division, tempos, meters, parts }: MidiSong): TempoMap {
  const spans = spansOf(division, tempos);
  const spanAt = (tick: number) => lastNotAfter(spans, (span) => span.tick <= tick);
  const secondsAt = (tick: number): number => {
    const { tick: from, seconds, perTick } = spanAt(tick);
    return seconds + (tick - from) * perTick;
  };
  const tickAt = (at: number): number => {
    const { tick, seconds, perTick } = lastNotAfter(spans, (span) => span.seconds <= at);
    return tick + (at - seconds) / perTick;
  };
  const allMeters = meters[0]?.tick === 0 ? meters : [FOUR_FOUR, ...meters];
  const meterAt = (tick: number) => lastNotAfter(allMeters, (meter) => meter.tick <= tick);
  // without beats, a bar of 4/4 is two seconds
  const ticksPerBeat = division.of === 'beats' ? division.ticks : division.ticks / 2;
  const barTicks = ({ numerator, denominator }: { numerator: number; denominator: number }): number => (4 * ticksPerBeat * numerator) / denominator;

  const lastTick = parts.reduce((last, { notes }) => notes.reduce((max, { until }) => Math.max(max, until), last), 0);
  const lasts = secondsAt(lastTick);
  if (!(lasts <= MIDI_LIMITS.seconds)) throw new InvalidInput(`Expected at most ${MIDI_LIMITS.seconds} s of music, got ${Math.round(lasts)} s`);

  /** `bars` bar lines after the last one that is not after the tick. */
  const barLine = (tick: number, bars: 0 | 1): number => {
    const at = allMeters.findLastIndex((meter) => meter.tick <= tick);
    const meter = allMeters[Math.max(0, at)] ?? FOUR_FOUR;
    const line = meter.tick + (Math.floor((tick - meter.tick) / barTicks(meter)) + bars) * barTicks(meter);
    return Math.min(line, bars === 0 ? line : (allMeters[at + 1]?.tick ?? Infinity));
  };
  return {
    secondsAt,
    tickAt,
    tempoAt: (tick) => (division.of === 'beats' ? 60 / (spanAt(tick).perTick * division.ticks) : undefined),
    meterAt,
    barLineBefore: (seconds) => secondsAt(barLine(tickAt(seconds), 0)),
    barLineAfter: (seconds) => secondsAt(barLine(tickAt(seconds), 1)),
  };
}

type TempoSpan = { readonly tick: number; readonly seconds: number; /** seconds of a tick */ readonly perTick: number };

function spansOf({ of, ticks }: MidiSong['division'], tempos: MidiSong['tempos']): readonly TempoSpan[] {
  if (of === 'seconds') return [{ tick: 0, seconds: 0, perTick: 1 / ticks }];
  const spans: TempoSpan[] = [{ tick: 0, seconds: 0, perTick: DEFAULT_MICROSECONDS_PER_BEAT / 1e6 / ticks }];
  for (const { tick, microsecondsPerBeat } of tempos) {
    const last = spans.at(-1)!;
    const span = { tick, seconds: last.seconds + (tick - last.tick) * last.perTick, perTick: microsecondsPerBeat / 1e6 / ticks };
    if (last.tick === tick) spans.pop();
    spans.push(span);
  }
  return spans;
}

/** The last entry that `isBefore` holds for, the first one if for none; `isBefore` holds up to some entry and not after it. */
function lastNotAfter<T>(entries: readonly T[], isBefore: (entry: T) => boolean): T {
  let [low, high] = [0, entries.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isBefore(entries[middle]!)) low = middle;
    else high = middle - 1;
  }
  return entries[low]!;
}
