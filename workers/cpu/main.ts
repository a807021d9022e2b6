/** The cpu worker: workflows, chain, storage, rendering, comparing; and the wallet queue of each key that it holds. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createClockActivities } from '../../activities/clock.ts';
import { createClosingActivities } from '../../activities/closing.ts';
import { createDeltaWindowActivities } from '../../activities/delta-window.ts';
import { createHearingActivities } from '../../activities/hearing.ts';
import { createLateResultActivities } from '../../activities/late-results.ts';
import { createLeaseActivities } from '../../activities/lease.ts';
import { createHubActivities } from '../../activities/hub.ts';
import { createListenActivities } from '../../activities/listen.ts';
import { createOutputActivities } from '../../activities/outputs.ts';
import { createBaseActivities, createPretrainingActivities } from '../../activities/pretraining.ts';
import { createPromotionActivities, createVersionActivities } from '../../activities/promotion.ts';
import { createRelayTurnActivities } from '../../activities/relay-turn.ts';
import { createRelayWindowActivities } from '../../activities/relay-window.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSealedKeyActivities } from '../../activities/sealed-key.ts';
import { createSettleActivities } from '../../activities/settle.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createWindowActivities } from '../../activities/window.ts';
import { createWindowsRoundActivities } from '../../activities/windows-round.ts';
import { readParticipants } from '../../activities/participants.ts';
import type { Signer } from '../../genki/chain/chain.ts';
import { openChain } from '../../genki/chain/open-chain.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { beating } from '../beating.ts';
import { earsOf } from '../ears.ts';
import { installRuntime, runUntilSignal } from '../process.ts';
import { registerSearchAttributes } from '../search-attributes.ts';
import { RunnerPool } from '../runners/runner-pool.ts';
import { chainOf, readSettings } from '../settings.ts';
import { createStore } from '../store.ts';
import { loadWallets } from '../wallets.ts';
import { workflowBundle } from '../workflow-bundle.ts';
import { checkOwner, readDeployment } from '../deployment.ts';

installRuntime();
const settings = readSettings(process.env);
const { network, home } = settings;
const chain = await openChain(chainOf(network));
const store = createStore(settings.store);
const signers = await loadWallets(settings.walletsDir, settings.passphraseFile);
const deployment = await readDeployment(home);
await checkOwner(deployment, chain);
// no more of them than asked for, as each holds an embedder
const ears = new RunnerPool({ store: settings.store, ...earsOf(settings.engine), clap: settings.clap, models: settings.models }, settings.runners);
const deps = { chain, store, deployment, participants: () => readParticipants(home), defaultHotkey: settings.hotkey };

await registerSearchAttributes(network.temporal, network.namespace);
const connection = await NativeConnection.connect({ address: network.temporal });
const common = { connection, namespace: network.namespace };
const workers = [
  await Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, workflowBundle: await workflowBundle(), maxCachedWorkflows: 200 }),
  await Worker.create({
    ...common,
    taskQueue: CPU_QUEUE,
    activities: {
      ...createWindowActivities(deps),
      ...createRoundActivities(deps),
      ...createClockActivities(deps),
      ...createSubmissionActivities(deps),
      ...createListenActivities(deps),
      ...createHearingActivities({ ears }),
      ...createOutputActivities(deps),
      ...createSettleActivities(),
      ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }),
      ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }),
      ...byExchange(),
    },
    interceptors: { activity: [beating] },
    maxHeartbeatThrottleInterval: '5 seconds',
    maxConcurrentActivityTaskExecutions: 16,
  }),
];
/** What a key asks of the hub, where there is one. */
const askingHub = (signer: Signer) => {
  if (!network.hub || !deployment.hub) return {};
  const asking = createHubActivities({ signer, url: network.hub, hubHotkey: deployment.hub.hotkey });
  return { ...asking, ...createRelayTurnActivities(asking) };
};
for (const signer of signers) {
  const activities = { ...createWalletActivities({ chain, signer, blockMs: deployment.blockMs }), ...createSealedKeyActivities({ store, signer }), ...createVersionActivities({ signer }), ...createBaseActivities({ signer }), ...askingHub(signer) };
  workers.push(await Worker.create({ ...common, taskQueue: walletQueue(signer.hotkey), activities, maxConcurrentActivityTaskExecutions: 1, maxConcurrentActivityTaskPolls: 1 }));
}
try {
  await runUntilSignal('cpu', workers);
} finally {
  await ears.close();
  await connection.close();
  await chain.close();
}

/** What only a competition of this exchange can be asked for. */
function byExchange(): object {
  const { exchange } = deployment.competition;
  if (exchange === 'delta') return { ...createDeltaWindowActivities(deps), ...createClosingActivities(deps), ...createWindowsRoundActivities(deps) };
  if (exchange === 'relay') return { ...createPromotionActivities(deps), ...createRelayWindowActivities(deps), ...createLateResultActivities(deps), ...createPretrainingActivities(deps) };
  return {};
}
