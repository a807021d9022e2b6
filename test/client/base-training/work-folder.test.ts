import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until, WorkFolder } from '../../../client/base-training/work-folder.ts';

const progress = { losses: [4, 3, 2], heldOut: [{ step: 0, losses: { town: 4.1 } }, { step: 3, losses: { town: 2.5 } }] };

describe('the work folder of a training', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'train-base-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('has nothing before the first save, and what was saved last after it', async () => {
    const work = new WorkFolder(join(folder, 'new'));
    expect(await work.load()).toBeUndefined();
    await work.save(Uint8Array.of(1), { losses: [4], heldOut: [] });
    await work.save(Uint8Array.of(2, 3), progress);
    const loaded = await work.load();
    expect([...loaded!.checkpoint]).toEqual([2, 3]);
    expect(loaded!.progress).toEqual(progress);
    expect((await readdir(join(folder, 'new'))).sort()).toEqual(['checkpoint.safetensors', 'progress.json']);
  });

  it('is not led astray by what a killed writer left half written', async () => {
    const work = new WorkFolder(folder);
    await work.save(Uint8Array.of(7), progress);
    await writeFile(join(folder, 'checkpoint.safetensors.part'), 'half');
    await writeFile(join(folder, 'progress.json.part'), '{"losses":[4,');
    const loaded = await work.load();
    expect([...loaded!.checkpoint]).toEqual([7]);
    expect(loaded!.progress).toEqual(progress);
  });

  it('begins anew when only the progress was written', async () => {
    await writeFile(join(folder, 'progress.json'), JSON.stringify(progress));
    expect(await new WorkFolder(folder).load()).toBeUndefined();
  });

  it('forgets what lies behind the checkpoint', () => {
    expect(until(2, progress)).toEqual({ losses: [4, 3], heldOut: [{ step: 0, losses: { town: 4.1 } }] });
    expect(until(3, progress)).toEqual(progress);
  });
});
