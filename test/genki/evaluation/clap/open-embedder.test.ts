import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { EmbedderUnfit, InvalidInput } from '../../../../genki/errors.ts';
import { openEmbedder } from '../../../../genki/evaluation/clap/open-embedder.ts';
import { nanoSpecs } from '../../../../genki/evaluation/clap/nano/weights.ts';
import { size } from '../../../../genki/music/weights.ts';
import { contentDigest, encodeSafetensors, type TensorMap } from '../../../../genki/protocol/safetensors.ts';
import { createEngine } from '../../music/support/engines.ts';
import { shippedNano, type Shipped } from './support/shipped-nano.ts';

const SHIPPED = fileURLToPath(new URL('../../../../dama/clap-nano', import.meta.url));

describe('openEmbedder', () => {
  let engine: Engine;
  let shipped: Shipped;
  let home: string;
  beforeAll(async () => {
    engine = await createEngine();
    shipped = await shippedNano();
    home = await mkdtemp(join(tmpdir(), 'clap-nano-'));
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(home, { recursive: true });
  });

  const nano = (digest: string) => ({ kind: 'clap-nano', digest }) as const;
  async function copied(name: string, change: (folder: string) => Promise<unknown>): Promise<string> {
    const folder = join(home, name);
    await cp(SHIPPED, folder, { recursive: true });
    await change(folder);
    return folder;
  }

  it('opens the shipped embedder by its digest, tested', async () => {
    const embedder = await openEmbedder(nano(shipped.digest), { engine });
    expect(embedder).toMatchObject({ name: `clap-nano ${shipped.digest}`, sampleRate: 32_000, dimensions: 64 });
    await embedder.dispose();
  });

  it('ships what its record says, small', async () => {
    const record = JSON.parse((await readFile(join(SHIPPED, 'training.json'))).toString()) as { digest: string; parameters: number };
    const parameters = nanoSpecs(shipped.config).reduce((count, { shape }) => count + size(shape), 0);
    expect(record).toMatchObject({ digest: shipped.digest, parameters });
    expect(parameters).toBeLessThanOrEqual(300_000);
    expect((await readFile(join(SHIPPED, 'model.safetensors'))).byteLength).toBeLessThan(1.2e6);
    expect((await readFile(join(SHIPPED, 'README.md'))).toString()).toContain(shipped.digest);
  });

  it('refuses another one than the digest names', async () => {
    const other = 'A'.repeat(43) + '=';
    await expect(openEmbedder(nano(other), { engine })).rejects.toThrow(EmbedderUnfit);
    await expect(openEmbedder(nano(other), { engine })).rejects.toThrow(`Expected the clap-nano ${other}, got ${shipped.digest}`);
  });

  it('refuses one that fails its test although the digest is right', async () => {
    const silent: TensorMap = new Map([...shipped.weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map(() => 0) as Float32Array }]));
    const folder = await copied('silent', (at) => writeFile(join(at, 'model.safetensors'), encodeSafetensors(silent)));
    await expect(openEmbedder(nano(contentDigest(silent)), { engine, folder })).rejects.toThrow(EmbedderUnfit);
  });

  it('lays a broken file to nobody who is judged', async () => {
    const folder = await copied('broken', (at) => writeFile(join(at, 'model.safetensors'), 'no tensors'));
    await expect(openEmbedder(nano(shipped.digest), { engine, folder })).rejects.toThrow(EmbedderUnfit);
  });

  it('names the file that is missing or no config', async () => {
    await expect(openEmbedder(nano(shipped.digest), { engine, folder: join(home, 'nowhere') })).rejects.toThrow(InvalidInput);
    await expect(openEmbedder(nano(shipped.digest), { engine, folder: join(home, 'nowhere') })).rejects.toThrow('Expected a file model.safetensors of clap-nano');
    const folder = await copied('config', (at) => writeFile(join(at, 'config.json'), '{'));
    await expect(openEmbedder(nano(shipped.digest), { engine, folder })).rejects.toThrow('Expected the config of a clap-nano in JSON');
  });
});
