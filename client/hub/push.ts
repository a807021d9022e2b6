import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRepo, HubApiError, listFiles, uploadFiles } from '@huggingface/hub';
import { InvalidInput } from '../../genki/errors.ts';
import { openSafetensors } from '../../genki/protocol/open-safetensors.ts';
import { rethrow } from '../../genki/store/system-errors.ts';
import { PATIENCE } from '../../genki/store/retry.ts';
import { asked, askHub, type Hub } from './hub.ts';
import { licenceOfCard } from './licence.ts';
import { TENSOR_FILES, TEXT_FILES } from './wanted-files.ts';

export type PushOptions = {
  readonly folder: string;
  readonly branch: string;
  readonly message: string;
  /** Of a folder without a card of its own: SPDX. */
  readonly licence?: string;
  /** Whether others may see a repository that is made for it. */
  readonly isPublic: boolean;
};
export type Pushed = { readonly commit: string; readonly files: readonly string[] };

const MISSING = 404;
const CARD = 'README.md';
/** Nobody says how much of a file is sent until all is: the slowest line that is waited for. */
const SLOWEST_BYTES_PER_MS = 32;

/**
 * A model or adapter to the hub, as one commit: its safetensors and known texts, nothing else of the folder. A file that the
 * hub has already is not sent again. A folder without a card gets one that names the licence.
 *
 * @throws {InvalidInput} without a token, safetensors or licence, or when the hub refuses; {StoreUnavailable} when it does not answer
 */
export async function push(hub: Hub, name: string, options: PushOptions): Promise<Pushed> {
  if (hub.token === undefined) throw new InvalidInput('Expected a token that may write in HF_TOKEN, got none');
  const folder = resolve(options.folder);
  const names = await filesOf(folder);
  const card = await cardOf(folder, { names, licence: options.licence });
  await ensureRepository(hub, name, options.isPublic);
  const files = names.filter((file) => file !== CARD).map((file) => ({ path: file, content: pathToFileURL(join(folder, file)) }));
  const pushed = await askHub(await waitingFor(hub, names.map((file) => join(folder, file))), `push to ${name}`, (signal) =>
    uploadFiles({ ...asked(hub, signal), repo: name, branch: options.branch, commitTitle: options.message, files: [...files, { path: CARD, content: new Blob([card]) }] }));
  return { commit: pushed?.commit.oid ?? '', files: [...new Set([...names, CARD])].sort() };
}

/** Somebody who waits as long as these files may take. */
async function waitingFor(hub: Hub, files: readonly string[]): Promise<Hub> {
  const { patience = PATIENCE } = hub;
  const sizes = await Promise.all(files.map(async (file) => (await stat(file).catch(rethrow)).size));
  return { ...hub, patience: { ...patience, stallMs: patience.stallMs + sizes.reduce((sum, size) => sum + size, 0) / SLOWEST_BYTES_PER_MS } };
}

/** What of a folder is pushed, once its tensors can be read. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new InvalidInput(`Expected a folder, got ${folder}`, { cause });
  });
  const names = entries.filter((entry) => entry.isFile() && (TEXT_FILES.includes(entry.name) || TENSOR_FILES.test(entry.name))).map(({ name }) => name);
  const tensors = names.filter((name) => TENSOR_FILES.test(name));
  if (tensors.length === 0) throw new InvalidInput(`Expected model.safetensors or adapter_model.safetensors in ${folder}, got none`);
  for (const file of tensors) await (await openSafetensors(join(folder, file))).close();
  return names.sort();
}

async function cardOf(folder: string, { names, licence }: { names: readonly string[]; licence: string | undefined }): Promise<string> {
  const own = names.includes(CARD) ? await readFile(join(folder, CARD), 'utf8') : undefined;
  const said = own === undefined ? undefined : licenceOfCard(own);
  if (own !== undefined && said !== undefined && (licence === undefined || licence === said)) return own;
  if (own !== undefined) throw new InvalidInput(`Expected ${CARD} to say \`license: ${licence ?? '…'}\` between its first two lines of ---, got ${said ?? 'none'}`);
  if (licence === undefined) throw new InvalidInput('Expected a licence for what is pushed (--licence, such as cc0-1.0), or a README.md that says one, got neither');
  const isAdapter = names.includes('adapter_config.json');
  return `---\nlicense: ${licence}\ntags: [music, musicgen, ${isAdapter ? 'lora, peft, ' : ''}genki-dama]\n---\n\n# ${basename(folder)}\n\n${isAdapter ? 'A LoRA adapter in PEFT\'s format' : 'A model in Hugging Face\'s layout'}, by Genki-Dama.\n`;
}

/** Makes the repository, private unless said otherwise, where there is none. */
async function ensureRepository(hub: Hub, name: string, isPublic: boolean): Promise<void> {
  const isThere = await askHub(hub, `look up ${name}`, async (signal) => {
    try {
      await listFiles({ ...asked(hub, signal), repo: name }).next();
      return true;
    } catch (error) {
      if (error instanceof HubApiError && error.statusCode === MISSING) return false;
      throw error;
    }
  });
  if (!isThere) await askHub(hub, `make ${name}`, (signal) => createRepo({ ...asked(hub, signal), accessToken: hub.token!, repo: name, visibility: isPublic ? 'public' : 'private' }));
}
