import type { Connected } from '../../client/connect.ts';
import { OWNER } from '../../client/embedded/provision.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import { SMALL } from './competition.ts';
import { chaoticEpoch, type EpochRecord } from './epochs.ts';
import { everyHistory } from './histories.ts';
import { differingReports, lostObjects, sharedLeases, unfinished, wrongExtrinsics } from './invariants.ts';
import { landedOf } from './landed.ts';
import { scenario, type Struggle } from './scenario.ts';
import { differingAdapters } from './undisturbed.ts';

/** Epochs of adapters: miners train and hand in, validators evaluate. */
export const adapterScenario = scenario<EpochRecord[]>({ competition: SMALL, live: liveThrough, look });

/** Epoch after epoch until all kills are done; the last one is lived to its end. */
async function liveThrough(connected: Connected, { strikes, random, say }: Struggle): Promise<EpochRecord[]> {
  const { settings, deployment } = connected;
  const owner = await loadWallet(walletFile(settings.walletsDir, OWNER), settings.passphraseFile);
  const miners = deployment.competition.styles.private;
  const epochs: EpochRecord[] = [];
  do {
    const number = epochs.length + 1;
    say(`epoch ${number}, ${strikes.left} kills to come`);
    epochs.push(await chaoticEpoch({ connected, owner, number, rival: miners[random.int(miners.length)]!, calm: (task) => strikes.calm(task) }));
  } while (strikes.left > 0);
  return epochs;
}

async function look(connected: Connected, epochs: readonly EpochRecord[], journal: string): Promise<{ checked: Record<string, number>; violations: string[] }> {
  const { temporal, chain, store, deployment } = connected;
  const pasts = await everyHistory(temporal);
  const { read, lost } = await lostObjects(pasts, store);
  const { held, shared } = sharedLeases(pasts);
  const landed = await landedOf(journal, chain, deployment.competition.netuid);
  const { trained, differing } = await differingAdapters(pasts, store);
  const rounds = epochs.flatMap((epoch) => epoch.rounds);
  const committed = epochs.flatMap(({ windows }) => Object.values(windows)).filter(({ kind }) => kind === 'committed').length;
  return {
    checked: { epochs: epochs.length, workflows: pasts.length, objects: read, extrinsics: landed.length, leases: held, reports: rounds.length, adapters: trained, committed, paid: rounds.filter(({ weights }) => weights.length > 0).length },
    violations: [...unfinished(pasts), ...lost, ...shared, ...differingReports(epochs), ...wrongExtrinsics(landed, epochs), ...differing],
  };
}
