/**
 * A wallet worker as a process of its own, made to be killed: for each key it stops at one point of the way to the chain,
 * and tells its parent that it is there.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createWalletActivities } from '../../../activities/wallet.ts';
import type { Chain } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import { walletQueue } from '../../../workflows/queues.ts';
import type { Doomed, Point } from './doomed.ts';
import { quiet } from './quiet.ts';

const { address, url, blockMs, wallets } = JSON.parse(process.argv[2]!) as Doomed;

/** The real chain, for somebody who gets as far as this point. */
function endingAt(point: Point): Chain {
  const chain = createLocalChain({ url });
  const reach = async (here: Point): Promise<void> => {
    if (here !== point) return;
    process.send!(point);
    await new Promise(() => undefined);
  };
  return {
    ...chain,
    async prepare(call, signer) {
      const extrinsic = await chain.prepare(call, signer);
      await reach('signed');
      return extrinsic;
    },
    async broadcast(extrinsic) {
      await reach('before-broadcast');
      await chain.broadcast(extrinsic);
      await reach('after-broadcast');
    },
    async landing(extrinsic) {
      await reach('before-confirm');
      return await chain.landing(extrinsic);
    },
  };
}

quiet();
process.on('disconnect', () => process.exit(0));
const connection = await NativeConnection.connect({ address });
await Promise.all(
  wallets.map(async ({ secret, point }) => {
    const signer = createSigner(secret);
    const worker = await Worker.create({ connection, taskQueue: walletQueue(signer.hotkey), activities: createWalletActivities({ chain: endingAt(point), signer, blockMs }) });
    await worker.run();
  }),
);
