import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { availableEngines } from '../../genki/engine/choose-engine.ts';
import { nativeFolder } from '../../workers/engine.ts';
import { homeOf, passphraseFileOf, readSettings } from '../../workers/settings.ts';
import { findTemporal } from '../embedded/find-temporal.ts';
import { findFfmpeg } from '../ffmpeg.ts';
import { table } from '../first-light/screen.ts';
import { readParticipants } from '../../activities/participants.ts';
import { readDeployment } from '../../workers/deployment.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import { ask, valueOf } from '../status/answer.ts';
import { askDoor, askSigned, clockFault, clockText } from '../status/hub.ts';
import { surveyStatus } from '../status/survey.ts';

type Finding = { readonly what: string; readonly state: 'found' | 'missing' | 'optional'; readonly detail: string };

/** `genki doctor`: exits 1 when something is missing that cannot be done without. */
export async function doctor({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const findings = [node(), ...(await engines(env)), await temporal(env), await ffmpeg(env), dama(), await network(env), ...(await hub(env))];
  const rows = findings.map(({ what, state, detail }) => [what, state, detail]);
  process.stdout.write(json ? `${JSON.stringify({ cores: availableParallelism(), memoryBytes: totalmem(), findings })}\n` : `${table(['what', 'state', 'what to know'], rows).join('\n')}\n`);
  if (findings.some(({ state }) => state === 'missing')) process.exitCode = 1;
}

/** What an engine that is not there would bring, and how to get it. */
const GAIN: Readonly<Record<string, string>> = {
  'tfjs-node-gpu': 'with an NVIDIA GPU: npm run native -- --gpu',
  'tfjs-node': 'slower than onnx on a CPU, four times as fast as wasm: npm run native',
};

function node(): Finding {
  const { engines: wanted } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } };
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isFit = major > 20 || (major === 20 && minor >= 19);
  return { what: 'Node', state: isFit ? 'found' : 'missing', detail: `${process.version}; ${wanted.node} is needed` };
}

async function engines(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const all = await availableEngines({ native: nativeFolder(env) });
  const isAny = all.some(({ ok }) => ok);
  return all.map(({ name, ok, reason }) => ({ what: `engine ${name}`, state: ok ? 'found' : isAny ? 'optional' : 'missing', detail: [reason, ok ? undefined : GAIN[name]].filter(Boolean).join('; ') }));
}

async function temporal(env: NodeJS.ProcessEnv): Promise<Finding> {
  if (env.TEMPORAL_ADDRESS !== undefined) return { what: 'Temporal', state: 'found', detail: `TEMPORAL_ADDRESS=${env.TEMPORAL_ADDRESS}` };
  return await findTemporal({ env, say: () => undefined, lookOnly: true }).then(
    (file): Finding => ({ what: 'Temporal', state: 'found', detail: file }),
    (): Finding => ({ what: 'Temporal', state: 'optional', detail: 'npm start downloads it, or builds it with Go (6 minutes once); or set TEMPORAL_ADDRESS' }),
  );
}

async function ffmpeg(env: NodeJS.ProcessEnv): Promise<Finding> {
  const file = await findFfmpeg(env);
  const how = 'only WAV files; set FFMPEG_BIN, install ffmpeg, or run: npm rebuild ffmpeg-static --ignore-scripts=false';
  return { what: 'ffmpeg', state: file === undefined ? 'optional' : 'found', detail: file ?? how };
}

function dama(): Finding {
  const file = fileURLToPath(new URL('../../dama/ruby-nano/model.safetensors', import.meta.url));
  return existsSync(file) ? { what: 'ruby-nano', state: 'found', detail: file } : { what: 'ruby-nano', state: 'missing', detail: 'train it with: npm run train:base' };
}

/** A network that was killed leaves its file behind, so that only answers count. */
async function network(env: NodeJS.ProcessEnv): Promise<Finding> {
  const file = join(homeOf(env), 'network.json');
  if (!existsSync(file)) return { what: 'network', state: 'optional', detail: 'none is running; start one with: npm run genki -- up' };
  const { isUp, services, warnings } = await surveyStatus(env);
  if (isUp) return { what: 'network', state: 'found', detail: `${services.map(({ name }) => name).join(', ')} answer; more with: npm run genki -- status` };
  const down = services.filter((service) => !service.isUp).map(({ name }) => name);
  const isDead = down.length > 0 && ['temporal', 'chain'].every((name) => down.includes(name));
  return { what: 'network', state: 'optional', detail: isDead ? `neither Temporal nor the chain of ${file} answers; was it killed? Start it again with: npm run genki -- up` : `${down.join(', ') || warnings[0]} does not answer; see npm run genki -- status` };
}

/** Whether this machine's miners get answers that their hub has signed. */
async function hub(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const home = homeOf(env);
  const [settings, deployment, participants] = await Promise.all([ask(async () => readSettings(env)), ask(() => readDeployment(home)), ask(() => readParticipants(home))]);
  const url = valueOf(settings)?.network.hub;
  const agreed = valueOf(deployment)?.hub?.hotkey;
  if (agreed === undefined) return [];
  const finding = (detail: string, state: Finding['state'] = 'optional'): Finding[] => [{ what: 'hub', state, detail }];
  if (url === undefined) return finding('its address is not known; set GENKI_HUB, or start it with: npm run genki -- up');
  const door = await ask(() => askDoor(url));
  if (!door.ok) return finding(`no hub answers at ${url}: ${door.reason}`);
  const { clock, adapters: [first] } = door.value;
  if (door.value.hub !== agreed) return finding(`at ${url} is the hub ${door.value.hub}, this network's is ${agreed}`);
  const fault = clockFault(clock);
  if (fault !== undefined) return finding(`${url}: ${fault}; set the clock by NTP`);
  const miner = valueOf(participants)?.find(({ role }) => role === 'miner');
  if (!miner || !first) return finding(`${url} answers, ${clockText(clock)}; no miner of this machine to ask it as`, 'found');
  const signed = await loadWallet(walletFile(join(home, 'wallets'), miner.name), passphraseFileOf(env, home)).then((signer) => ask(() => askSigned({ url, hub: agreed, adapter: first.adapter, signer })), (error: unknown) => ({ ok: false as const, reason: (error as Error).message }));
  if (!signed.ok) return finding(`${url} answers, but not to ${miner.name}: ${signed.reason}`);
  return finding(`${url}: its answer to ${miner.name} is signed by ${agreed}; version ${signed.value.version} of ${first.adapter}, ${signed.value.waiting} waiting; ${clockText(clock)}`, 'found');
}
