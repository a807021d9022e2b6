import type { Target } from '../target.ts';
import { chainTargets } from './chain.ts';
import { fileTargets } from './files.ts';
import { hubTargets } from './hub.ts';
import { modelTargets } from './models.ts';
import { soundTargets } from './sounds.ts';
import { tensorTargets } from './tensors.ts';
import { textTargets } from './texts.ts';
import { updateTargets } from './updates.ts';

/** Every reader of bytes from outside. */
export const targets = async (folder: string): Promise<readonly Target[]> => [...tensorTargets, ...updateTargets, ...textTargets, ...hubTargets, ...soundTargets, ...modelTargets, ...fileTargets(folder), ...(await chainTargets(folder))];
