import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutputActivities } from '../../activities/outputs.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { encodeHeard } from '../../genki/evaluation/clap/heard-file.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';

let root: string;
let store: ObjectStore;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'genki-outputs-'));
  store = createFolderStore(root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
/** One clip of windows of one dimension: at −1 and 1 around a centre, so that only the means tell sets apart. */
const around = (centre: number, windows = [centre - 1, centre + 1]): Promise<ObjectRef> =>
  store.putOnce('validator', `heard/${files++}.safetensors`, encodeHeard([{ clip: Float32Array.of(1), windows: windows.map((x) => Float32Array.of(x)) }]));

describe('comparing what is heard', () => {
  const compareOutputs = (input: { heard: readonly ObjectRef[]; accepted: readonly number[] }) => createOutputActivities({ store }).compareOutputs(input);

  it('measures everybody against the accepted, and those against each other', async () => {
    const heard = [await around(0), await around(3), await around(5), await around(100)];
    // squares of 3, 5 and 2; the last one is nobody's company
    const { distances, diversity } = await compareOutputs({ heard, accepted: [0, 1, 2] });
    expect(distances).toEqual([expect.closeTo(9, 9), expect.closeTo(25, 9), expect.closeTo(4, 9)]);
    expect(diversity.slice(0, 3)).toEqual([expect.closeTo(17, 9), expect.closeTo(6.5, 9), expect.closeTo(14.5, 9)]);
    const without = await compareOutputs({ heard: heard.slice(0, 3), accepted: [0, 1, 2] });
    expect(without).toEqual({ distances, diversity: diversity.slice(0, 3) });
  });

  it('gives who has no company no distance', async () => {
    const heard = [await around(0), await around(3)];
    expect(await compareOutputs({ heard, accepted: [1] })).toEqual({ distances: [], diversity: [expect.closeTo(9, 9), null] });
    expect(await compareOutputs({ heard, accepted: [] })).toEqual({ distances: [], diversity: [null, null] });
  });

  it('refuses miners with other numbers of windows, and files that hold something else', async () => {
    await expect(compareOutputs({ heard: [await around(0), await around(0, [1, 2, 3])], accepted: [0] })).rejects.toThrow(InvalidInput);
    const stray = await store.putOnce('validator', 'heard/stray', new Uint8Array(3));
    await expect(compareOutputs({ heard: [stray], accepted: [0] })).rejects.toThrow('Expected');
  });
});
