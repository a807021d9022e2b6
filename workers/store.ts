import { createCachedStore } from '../genki/store/cached-store.ts';
import { createFolderStore } from '../genki/store/folder-store.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { createS3Store } from '../genki/store/s3-store.ts';
import type { StoreSettings } from './settings.ts';

/** The store of a process: the one place that decides which. */
export function createStore(settings: StoreSettings): ObjectStore {
  if (settings.kind === 'folder') return createFolderStore(settings.root);
  const { kind: _, cache, ...server } = settings;
  // the SDK's reminder to upgrade Node is for us, who pin it, and not for whoever runs a worker
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const store = createS3Store(server);
  return cache.maxBytes > 0 ? createCachedStore(store, cache) : store;
}
