/** Writes the adapters that `make_peft_goldens.py` loads: npx tsx test/genki/music/peft/support/write-adapters.ts FOLDER */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePeft } from '../../../../../genki/music/peft/write-peft.ts';
import { OUR_ADAPTERS } from './our-adapters.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new RangeError('Expected a folder to write to, got none');
for (const [name, adapter] of Object.entries(OUR_ADAPTERS)) {
  const { config, weights } = writePeft(adapter, { base: 'tiny-musicgen' });
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'adapter_config.json'), config);
  writeFileSync(join(folder, name, 'adapter_model.safetensors'), weights);
}
