import { leaderboard, type RoundReport } from '../../genki/evaluation/round-report.ts';
import type { Participant } from '../../activities/participants.ts';
import type { Epoch } from './epoch.ts';
import { bold, dim, seconds, table } from './screen.ts';

/** What `npm start -- --json` ends with. */
export type Result = {
  readonly miners: readonly {
    readonly name: string;
    readonly hotkey: string;
    readonly weight: number;
    readonly verdict: string;
    readonly reason: string;
    /** Held-out gain alone, nats per code. */
    readonly gain: number | null;
    readonly contribution: number | null;
    /** Anchored to [0, 1]: how well its clips fit their captions, and how far they lie from the others'. */
    readonly quality: number | null;
    readonly diversity: number | null;
    /** What of its update is in none of the accepted before it; 0 for a copy. */
    readonly originality: number | null;
    readonly similarity: { readonly value: number; readonly to: string | null } | null;
    readonly commitBlock: number | null;
    /** Share of the chain's incentive after its epoch. */
    readonly incentive: number;
  }[];
  /** Held-out losses in nats per code; `mixture` is the mean over the miners' styles, null where nobody was measured. */
  readonly dama: { readonly before: Readonly<Record<string, number | null>>; readonly after: Readonly<Record<string, number | null>>; readonly digest: string; readonly published: boolean };
  readonly reportsAgree: boolean;
  readonly rounds: readonly { readonly round: number; readonly phases: readonly { readonly name: string; readonly ms: number }[]; readonly mixture: { readonly before: number | null; readonly after: number | null } }[];
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  readonly files: readonly string[];
};

export type Names = (hotkey: string | null) => string;
export const namesOf = (participants: readonly Participant[]): Names => (hotkey) => participants.find((p) => p.hotkey === hotkey)?.name ?? hotkey ?? '–';

/** The result of a run: the newest epoch's leaderboard, and how the Dama got here. */
export function resultOf(epochs: readonly Epoch[], { names, phases, files }: { names: Names; phases: Result['phases']; files: readonly string[] }): Result {
  const last = epochs.at(-1)!;
  const { report, metagraph } = last;
  const total = metagraph.neurons.reduce((sum, n) => sum + n.incentive, 0);
  const miners = leaderboard(report.miners).map(({ hotkey, weight, verdict, reason, gain, contribution, quality, diversity, overlap, similarity, commitBlock }) => ({
    name: names(hotkey),
    hotkey,
    weight,
    verdict,
    reason,
    gain: gain?.natsPerCode ?? null,
    contribution: contribution?.mean ?? null,
    quality: quality?.anchored ?? null,
    diversity: diversity?.anchored ?? null,
    originality: overlap === null ? null : 1 - overlap,
    similarity: similarity && { value: similarity.value, to: similarity.to === null ? null : names(similarity.to) },
    commitBlock,
    incentive: (metagraph.neurons.find((n) => n.hotkey === hotkey)?.incentive ?? 0) / (total || 1),
  }));
  const first = epochs[0]!.report.dama.before;
  return {
    miners,
    dama: { before: { mixture: first.mixture, ...first.byStyle }, after: after(report), digest: report.dama.next, published: report.dama.published },
    reportsAgree: epochs.every((epoch) => epoch.reportsAgree),
    rounds: epochs.map(({ round, phases: own, report: { dama } }) => ({ round, phases: own, mixture: { before: dama.before.mixture, after: standing(dama).mixture } })),
    phases,
    files,
  };
}

const standing = ({ before, merged, published }: RoundReport['dama']): RoundReport['dama']['before'] => (published && merged ? merged : before);
const after = ({ dama }: RoundReport): Record<string, number | null> => ({ mixture: standing(dama).mixture, ...standing(dama).byStyle });

/** A line for everybody: what was measured, what it is worth, and why. */
export function leaderboardTable({ miners }: Pick<RoundReport, 'miners'>, names: Names): string[] {
  const number = (value: number | null | undefined, digits = 3): string => (value === null || value === undefined ? '–' : value.toFixed(digits));
  const rows = leaderboard(miners).map(({ rank, hotkey, commitBlock, gain, contribution, quality, diversity, overlap, similarity, weight, verdict, reason }) => [
    weight > 0 ? String(rank) : '–', names(hotkey), String(commitBlock ?? '–'), number(gain?.natsPerCode), number(contribution?.mean), number(quality?.anchored, 2), number(diversity?.anchored, 2),
    `${number(overlap === null ? null : 1 - overlap, 2)}${verdict === 'copy' && similarity?.to ? ` ${names(similarity.to)}` : ''}`, `${(weight * 100).toFixed(1)}%`, verdict, reason,
  ]);
  return table(['rank', 'miner', 'block', 'gain', 'contribution', 'quality', 'diversity', 'originality', 'weight', 'verdict', 'why'], rows);
}

/** One epoch in words: leaderboard, agreement, the chain, the Dama. */
export function describeEpoch({ report, reportsAgree, metagraph, rounds }: Epoch, names: Names): string[] {
  const { before, merged, published, reason } = report.dama;
  const now = published && merged ? merged : before;
  const styles = Object.keys(now.byStyle);
  const damaRow = (title: string, dama: typeof before): string[] => [title, dama.mixture?.toFixed(3) ?? '–', ...styles.map((style) => dama.byStyle[style]?.toFixed(3) ?? '–')];
  const paid = metagraph.neurons.filter((n) => n.incentive > 0 || n.dividends > 0);
  const u16 = (value: number): string => `${((value / 65_535) * 100).toFixed(1)}%`;
  return [
    '',
    bold('Leaderboard'),
    ...leaderboardTable(report, names),
    '',
    `${reportsAgree ? `The ${rounds.length} validators' reports agree to the last digit.` : 'The validators\' reports DIFFER.'} ${dim(`${report.acceptance.accepted.length} accepted, merged at scale ${report.acceptance.scale}`)}`,
    ...rounds.flatMap(({ notes, hotkey }) => notes.map((note) => `${names(hotkey)}: ${note}`)),
    '',
    bold(`The chain after its epoch ${metagraph.epoch - 1}`),
    ...table(['uid', 'who', 'consensus', 'incentive', 'dividends'], paid.map((n) => [String(n.uid), names(n.hotkey), u16(n.consensus), u16(n.incentive), u16(n.dividends)])),
    '',
    `${bold('The Dama')} ${dim('held-out loss, nats a code')}`,
    ...table(['', 'mixture', ...styles], [damaRow('before', before), damaRow('after', now)]),
    `${now.mixture === null || before.mixture === null ? '' : `${((1 - now.mixture / before.mixture) * 100).toFixed(0)} % lower on the miners' styles; `}${reason}.`,
  ];
}

export const describePhases = (phases: Result['phases']): string => phases.map(({ name, ms }) => `${name} ${seconds(ms)}`).join(' · ');
