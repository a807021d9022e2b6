import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Connected } from '../../client/connect.ts';
import { competitionFor } from '../../client/embedded/model-competition.ts';
import { EmbeddedNetwork } from '../../client/embedded/network.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { decodeAdapter, updateNorm } from '../../genki/music/lora.ts';
import { openModel } from '../../genki/music/open-model.ts';
import { readPeftAdapter } from '../../genki/music/peft/read-peft.ts';
import { encodeWav } from '../../genki/music/wav.ts';
import { verifyManifest } from '../../genki/protocol/manifest.ts';
import { Random } from '../../genki/protocol/random.ts';
import { openKeyFile, unseal } from '../../genki/protocol/sealing.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';

const GOLDENS = new URL('../goldens/', import.meta.url);
const MAIN = fileURLToPath(new URL('../../client/main.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'genki-musicgen-'));
const home = join(root, 'home');
const model = join(root, 'tiny-musicgen');
const env = { ...process.env, GENKI_HOME: home, TEMPORAL_ADDRESS: undefined };

let network: EmbeddedNetwork;
let connected: Connected;

beforeAll(async () => {
  for (const folder of ['tiny-musicgen', 't5/tiny-tokenizer']) cpSync(new URL(folder, GOLDENS), model, { recursive: true });
  const opened = await openModel(model);
  const competition = competitionFor('tiny-musicgen', opened.music);
  await opened.close();
  network = await EmbeddedNetwork.start({ home, env, blockMs: 100, say: () => undefined, anyPorts: true, dama: model, competition });
  connected = await connect(env);
});

afterAll(async () => {
  await connected?.close();
  await network?.stop();
  rmSync(root, { recursive: true, force: true });
});

const genki = async (...args: string[]): Promise<string> => (await promisify(execFile)(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...args], { env })).stdout;

/** A chord that moves, so that there is something to hear. */
function song(seed: string, seconds: number): Uint8Array {
  const random = new Random(seed);
  const pitches = [0, 1, 2].map(() => 110 * 2 ** (random.int(36) / 12));
  const samples = Float32Array.from({ length: seconds * 32_000 }, (_, i) => pitches.reduce((sum, hertz, k) => sum + 0.15 * Math.sin((2 * Math.PI * hertz * (1 + k * Math.floor(i / 8000) * 0.01) * i) / 32_000), 0.02 * (random.float() - 0.5)));
  return encodeWav(samples, 32_000);
}

describe("a window of somebody's own songs on a MusicGen", () => {
  it('codes recordings by the network’s model, trains, seals, commits, and the adapter fits the model', async () => {
    for (const name of ['calm', 'lively']) await writeFile(join(root, `${name}.wav`), song(name, 2));
    await writeFile(join(root, 'calm.json'), JSON.stringify({ description: 'slow piano', bpm: 80, key: 'C minor' }));
    const imported = JSON.parse(await genki('data', 'import', join(root, 'calm.wav'), join(root, 'lively.wav'), '--name', 'two songs', '--miner', 'swing', '--clips-per-file', '4', '--json')) as { clips: number; sharing: string };
    expect(imported).toMatchObject({ clips: 8, sharing: 'private' });

    const outcome = (await connected.temporal.workflow.execute('trainingWindow', { workflowId: 'window/swing', taskQueue: WORKFLOW_QUEUE, args: [{ hotkey: 'swing', steps: 3 }] })) as WindowOutcome;
    if (outcome.kind !== 'committed') throw new Error(`Expected a commit, got ${outcome.kind}`);

    const { store, deployment, participants } = connected;
    const { competition, competitionDigest, genesisDama } = deployment;
    const miner = participants.find(({ name }) => name === 'swing')!;
    const manifest = verifyManifest(await store.get(outcome.manifest, { maxBytes: 2 ** 16 }), { kind: 'adapter', hotkey: miner.hotkey, competition: competitionDigest, base: genesisDama.digest }, verifySignature);
    expect(manifest.training).toMatchObject({ steps: 3 });
    const fileOf = (name: string) => manifest.files.find((file) => file.name === name)!;
    const sealed = await store.get(fileOf('adapter_model.safetensors').ref, { maxBytes: 2 ** 24 });
    const key = openKeyFile(await store.get(outcome.key, { maxBytes: 2 ** 16 }), { manifest: outcome.manifest.sha256.slice(0, 40), hotkey: miner.hotkey }, verifySignature);
    const bytes = unseal(sealed, key, { hotkey: miner.hotkey, competition: competitionDigest, content: outcome.adapter });
    const opened = await openModel(model);
    try {
      // as strict as a validator, and as Python's PEFT has it
      const adapter = decodeAdapter(bytes, { music: opened.music, lora: competition.lora, maxNorm: competition.limits.updateNorm });
      expect(updateNorm(adapter)).toBeGreaterThan(0);
      const config = await store.get(fileOf('adapter_config.json').ref, { maxBytes: 2 ** 16 });
      expect(readPeftAdapter({ config, weights: bytes }, { music: opened.music, base: { digest: genesisDama.digest } }).layers.size).toBe(adapter.layers.size);
    } finally {
      await opened.close();
    }
    const curve = JSON.parse(new TextDecoder().decode(await store.get(fileOf('loss-curve.json').ref, { maxBytes: 2 ** 20 }))) as { step: number; loss: number }[];
    expect(curve.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(curve[0]!.loss).toBe(outcome.loss!.first);
  });

  it('refuses a round in words: no held-out music can be composed for it', async () => {
    await expect(genki('round', 'start')).rejects.toThrow('training windows of it run, rounds do not yet');
  });

  it('says to a miner without music what is missing', async () => {
    await expect(genki('window', 'start', '--hotkey', 'march')).rejects.toThrow('Expected a dataset of march');
  });
});
