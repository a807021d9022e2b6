// writes one large object and says when it begins, to be killed on the way
import { createFolderStore } from '../../../genki/store/folder-store.ts';

const [root = '', bytes = '0'] = process.argv.slice(2);
const store = createFolderStore(root);
process.stdout.write('ready\n');
await store.putOnce('victim', 'large', new Uint8Array(Number(bytes)).fill(7));
