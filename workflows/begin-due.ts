import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, type ChildWorkflowOptions } from '@temporalio/workflow';
import type { Due, Turn } from '../activities/clock.ts';
import { spanText, type Span } from '../genki/protocol/clock.ts';
import { EPOCH, HOTKEY, NET_UID, OUTCOME, WINDOW } from './search-attributes.ts';
import { quick } from './steps.ts';

/** `missed`: something was begun, and something passed before it that nobody began. */
export type TickOutcome = Omit<Due, 'turns'> & {
  readonly kind: 'idle' | 'begun' | 'missed';
  /** Workflow ids. */
  readonly begun: readonly string[];
  readonly missed: readonly (Span & { readonly name: string })[];
};

/**
 * Begins what is due and records it. Its id lets each begin once, whoever else ticks; the record, written after that,
 * keeps it so when Temporal has forgotten the id. Killed in between, the next tick finds it begun and records it.
 */
export async function beginDue({ turns, ...due }: Due, begin: (turn: Turn, options: ChildWorkflowOptions) => Promise<unknown>): Promise<TickOutcome> {
  upsertSearchAttributes([{ key: NET_UID, value: String(due.netuid) }]);
  await Promise.all(turns.map((turn) => begin(turn, optionsOf(due, turn)).catch(ignoreStarted)));
  await Promise.all(turns.map((turn) => quick.recordBegun.executeWithOptions({ summary: `${turn.name} · ${due.unit} ${due.number}` }, [{ due, turn }])));
  const begun = turns.map(({ workflowId }) => workflowId);
  const missed = turns.flatMap(({ name, missed: span }) => (span === null ? [] : [{ name, ...span }]));
  const kind = missed.length > 0 ? 'missed' : begun.length > 0 ? 'begun' : 'idle';
  upsertSearchAttributes([{ key: OUTCOME, value: kind }]);
  const lines = [...begun.map((id) => `- begun \`${id}\``), ...missed.map((gap) => `- missed by ${gap.name}: ${spanText(gap)}`)];
  setCurrentDetails([`**${kind}** · ${due.unit} ${due.number} at block ${due.head}`, ...lines].join('\n'));
  return { kind, ...due, begun, missed };
}

function optionsOf({ netuid, unit, number }: Omit<Due, 'turns'>, { workflowId, name, hotkey }: Turn): ChildWorkflowOptions {
  return {
    workflowId,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    parentClosePolicy: 'ABANDON',
    staticSummary: `netuid ${netuid} · ${unit} ${number} · ${name}`,
    typedSearchAttributes: [{ key: NET_UID, value: String(netuid) }, { key: unit === 'epoch' ? EPOCH : WINDOW, value: number }, { key: HOTKEY, value: hotkey }],
  };
}

function ignoreStarted(error: unknown): void {
  if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
}
