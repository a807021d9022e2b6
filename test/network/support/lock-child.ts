/** A process that takes a folder when told to, and says whether it has it. */
import { lockFolder } from '../../../genki/chain/local/lock.ts';

process.on('message', (dir: string) => {
  lockFolder(dir).then(
    () => process.send!({ held: true }),
    (error: Error) => process.send!({ held: false, message: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send!({ ready: true });
