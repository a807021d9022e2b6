import type { Client } from '@temporalio/client';
import * as z from 'zod';
import { createHubActivities } from '../../activities/hub.ts';
import { parseJson } from '../../activities/parse-json.ts';
import type { Signer } from '../../genki/chain/chain.ts';
import type { LeaseStatus } from '../../genki/protocol/hub.ts';
import { MAX_ANSWER_BYTES } from '../../genki/protocol/hub-answer.ts';
import { HUB_REQUEST } from '../../genki/protocol/hub-request.ts';
import type { RelayState } from '../../genki/protocol/relay.ts';
import { PATIENCE_MS } from './answer.ts';

/** What a hub's door says to anybody, unsigned. */
export type Door = {
  readonly hub: string;
  readonly adapters: readonly { readonly adapter: string; /** sequence of the current one, 0 before the first; null where the hub does not know just now */ readonly version: number | null }[];
  /** By how much its clock is ahead of this machine's, and how much of that the way may be. */
  readonly clock: { readonly aheadMs: number; readonly withinMs: number };
};

/** An adapter that this machine's hub passes on. */
export type Relay = { readonly adapter: string; readonly version: number; /** null when it is free */ readonly holder: string | null; readonly until: string | null; readonly fence: number; /** the next first */ readonly waiting: readonly string[]; /** what is done with a push or rollback */ readonly work: string | null };

const Health = z.looseObject({ hub: z.string().max(64), adapters: z.array(z.string().max(64)).max(64), now: z.number() });
const Current = z.looseObject({ version: z.looseObject({ sequence: z.int().nonnegative() }).nullable() });

/** @throws {Error} when nobody answers as a hub does */
export async function askDoor(url: string): Promise<Door> {
  const begun = Date.now();
  const health = Health.parse(await got(new URL('v1/health', folderOf(url))));
  const ended = Date.now();
  const adapters = await Promise.all(health.adapters.map(async (adapter) => {
    const current = await got(new URL(`v1/current?adapter=${encodeURIComponent(adapter)}`, folderOf(url))).then(Current.parse, () => null);
    return { adapter, version: current && (current.version?.sequence ?? 0) };
  }));
  return { hub: health.hub, adapters, clock: { aheadMs: Math.round(health.now - (begun + ended) / 2), withinMs: Math.ceil((ended - begun) / 2) } };
}

/** How a key stands, by an answer that the hub has signed. @throws {Error} when it is not the hub's, or none */
export const askSigned = async ({ url, hub, adapter, signer }: { readonly url: string; readonly hub: string; readonly adapter: string; readonly signer: Signer }): Promise<LeaseStatus> =>
  await createHubActivities({ signer, url, hubHotkey: hub, answerMs: PATIENCE_MS }).hubStatus({ adapterId: adapter });

/** Whether the hub takes what this machine signs, by its clock; a sentence where it does not. */
export function clockFault({ aheadMs, withinMs }: Door['clock']): string | undefined {
  const { behindMs, aheadMs: mayBeAheadMs } = { behindMs: HUB_REQUEST.lifeMs, aheadMs: HUB_REQUEST.skewMs };
  if (aheadMs - withinMs > behindMs) return `this clock is ${seconds(aheadMs)} behind the hub's, ${seconds(behindMs)} is allowed: what it signs has expired when it arrives`;
  if (-aheadMs - withinMs > mayBeAheadMs) return `this clock is ${seconds(-aheadMs)} ahead of the hub's, ${seconds(mayBeAheadMs)} is allowed: what it signs is from the future`;
  return undefined;
}

/** `its clock is 0.3 s ahead of this one, ± 0.1 s` */
export const clockText = ({ aheadMs, withinMs }: Door['clock']): string => `its clock is ${seconds(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} this one, ± ${seconds(withinMs)}`;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const folderOf = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

async function got(url: URL): Promise<unknown> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    // leaving the loop cancels the rest
    if (chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
  }
  return parseJson(Buffer.concat(chunks));
}

/** Who holds what this machine's hub passes on; only a worker can tell. */
export async function relays({ workflow }: Client): Promise<Relay[]> {
  const found: Relay[] = [];
  for await (const { workflowId } of workflow.list({ query: 'WorkflowType = "relayAdapter" AND ExecutionStatus = "Running"', pageSize: 20 })) {
    const { lease: { current, fence, waiting }, version, work } = await workflow.getHandle(workflowId).query<RelayState>('state');
    found.push({
      adapter: workflowId.slice(workflowId.indexOf('/') + 1),
      version: version?.sequence ?? 0,
      ...(current.kind === 'held' ? { holder: current.holder, until: new Date(current.expiresAt).toISOString() } : { holder: null, until: null }),
      fence,
      waiting: waiting.map(({ holder }) => holder),
      work: work && `${work.step} a ${work.task.kind}`,
    });
  }
  return found;
}
