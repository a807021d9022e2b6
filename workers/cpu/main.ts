/** The cpu worker: workflows, chain, storage, rendering, comparing; and the wallet queue of each key that it holds. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createLeaseActivities } from '../../activities/lease.ts';
import { createListenActivities } from '../../activities/listen.ts';
import { createRoundActivities } from '../../activities/round.ts';
import { createSubmissionActivities } from '../../activities/submission.ts';
import { createSubmitActivities } from '../../activities/submit.ts';
import { createWalletActivities } from '../../activities/wallet.ts';
import { createWindowActivities } from '../../activities/window.ts';
import { readParticipants } from '../../activities/participants.ts';
import { createLocalChain } from '../../genki/chain/local/local-chain.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { CPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { installRuntime, runUntilSignal } from '../process.ts';
import { registerSearchAttributes } from '../search-attributes.ts';
import { readSettings } from '../settings.ts';
import { loadWallets } from '../wallets.ts';
import { readDeployment } from '../deployment.ts';

installRuntime();
const settings = readSettings(process.env);
const { network, home } = settings;
const chain = createLocalChain({ url: network.chain });
const store = createFolderStore(settings.storeRoot);
const deployment = await readDeployment(home);
const deps = { chain, store, deployment, participants: () => readParticipants(home), defaultHotkey: settings.hotkey };

const connection = await NativeConnection.connect({ address: network.temporal });
await registerSearchAttributes(network.temporal, network.namespace);
const common = { connection, namespace: network.namespace };
const workers = [
  await Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)), maxCachedWorkflows: 200 }),
  await Worker.create({
    ...common,
    taskQueue: CPU_QUEUE,
    activities: {
      ...createWindowActivities(deps),
      ...createRoundActivities(deps),
      ...createSubmissionActivities(deps),
      ...createListenActivities(deps),
      ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }),
      ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }),
    },
    maxConcurrentActivityTaskExecutions: 16,
  }),
];
for (const signer of await loadWallets(settings.walletsDir)) {
  workers.push(await Worker.create({ ...common, taskQueue: walletQueue(signer.hotkey), activities: createWalletActivities({ chain, signer, blockMs: deployment.blockMs }), maxConcurrentActivityTaskExecutions: 1, maxConcurrentActivityTaskPolls: 1 }));
}
try {
  await runUntilSignal('cpu', workers);
} finally {
  await connection.close();
  await chain.close();
}
