import { createJobs } from '../../activities/model/jobs.ts';
import type { Trained } from '../../activities/model/train.ts';
import type { Resolved } from '../../activities/window.ts';
import { createOnnxEngine } from '../../genki/engine/onnx/onnx-engine.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { resultsOf, type Past } from './histories.ts';

/** Trains again, in one process and without a break, what windows have trained; those whose adapter is another one. */
export async function differingAdapters(pasts: readonly Past[], store: ObjectStore): Promise<{ readonly trained: number; readonly differing: string[] }> {
  const engine = await createOnnxEngine({ threads: 2 });
  const { train } = createJobs({ engine, store });
  const differing: string[] = [];
  let trained = 0;
  for (const past of pasts.filter(({ type }) => type === 'trainingWindow')) {
    const resolved = resultsOf(past, 'resolveWindow').at(-1)?.value as Resolved | undefined;
    const got = resultsOf(past, 'trainAdapter')[0]?.value as Trained | undefined;
    if (resolved?.kind !== 'ready' || resolved.window.work.kind !== 'train' || !got) continue;
    const { input } = resolved.window.work;
    const again = await train({ ...input, prefix: `undisturbed/${input.prefix}` }, { progress: async () => true });
    trained++;
    if (again!.adapter.sha256 !== got.adapter.sha256) differing.push(`${past.workflowId}: trained ${got.adapter.sha256}, undisturbed it is ${again!.adapter.sha256}`);
  }
  return { trained, differing };
}
