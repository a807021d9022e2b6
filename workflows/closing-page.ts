import type { Closing, Received } from '../activities/closing.ts';
import type { ClosingOutcome } from './close-window.ts';
import { factTable, grouped, literal, pageOf, short, table } from './markdown.ts';

export type ClosingPhase = 'resolve' | 'receive' | 'follow the log' | 'open' | 'close' | 'score' | 'done';

/** Where the close of a window has come to; what is not known yet is missing. */
export type ClosingProgress = {
  readonly phase: ClosingPhase;
  readonly closing?: Closing;
  readonly received?: Received;
  /** Updates that count, as this validator finds. */
  readonly accepted?: number;
  readonly outcome?: ClosingOutcome;
};

const TROUBLES = 12;

/** The close of a window as a page to read, Markdown. */
export function closingPage({ phase, closing, received, accepted, outcome }: ClosingProgress): string {
  if (!closing) return `**${phase}**`;
  const { netuid, competition, window, validator, hotkey, deadline, reveal, last } = closing;
  const title = `**${outcome?.kind ?? phase}** · netuid ${netuid} · ${competition} · window ${window}, until block ${grouped(last)}`;
  const facts = factTable([
    ['validator', `${literal(validator)} ${literal(hotkey)}`],
    ['updates', received ? `${received.received} received by block ${grouped(deadline)}${received.refused > 0 ? `, ${received.refused} not as they should be` : ''}${received.late ? '; looked too late to say who was in time' : ''}` : `due by block ${grouped(deadline)}`],
    ['disclosed', `by block ${grouped(reveal)}`],
    ['counted', accepted === undefined ? undefined : String(accepted)],
    ...(outcome ? outcomeRows(outcome) : []),
  ]);
  return pageOf([title, '', ...facts, ...(outcome ? troubles(outcome) : [])]);
}

function outcomeRows(outcome: ClosingOutcome): [string, string | undefined][] {
  if (outcome.kind === 'missed' || outcome.kind === 'forked') return [['why', literal(outcome.reason)]];
  const { leader, rank, before, after, peers, checkpoint, scores, kind } = outcome;
  const place = (ref: typeof checkpoint): string | undefined => ref === null ? undefined : literal(`${ref.bucket}/${ref.key}`);
  return [
    ['leader', kind === 'closed' ? `this one, in place ${rank + 1}` : `${literal(leader)}, in place ${rank + 1}`],
    ['model', before === after ? `${literal(short(before, 12))}, unchanged` : `${literal(short(before, 12))} → ${literal(short(after, 12))} by ${peers.length}`],
    ['checkpoint', place(checkpoint)],
    ['scores', place(scores)],
  ];
}

function troubles(outcome: ClosingOutcome): string[] {
  const refused = 'refused' in outcome ? outcome.refused : [];
  const rows = refused.slice(0, TROUBLES).map(({ hotkey, reason }) => [literal(short(hotkey, 12)), literal(reason)]);
  return [
    ...(rows.length > 0 ? ['', `**${refused.length} do not count**${refused.length > TROUBLES ? `, ${TROUBLES} of them:` : ''}`, '', ...table(['miner', 'why'], rows)] : []),
    ...(outcome.notes.length > 0 ? ['', ...outcome.notes.slice(0, TROUBLES).map((note) => `- ${literal(note)}`)] : []),
  ];
}
