import { open, rm } from 'node:fs/promises';
import { writeHeader } from './safetensors-header.ts';
import type { TensorSource } from './tensor-source.ts';
import { checkValues, writeValues } from './tensor-values.ts';

/**
 * Writes all tensors of a source into one safetensors file, of which one at a time is in memory: the bytes of
 * `encodeSafetensors`. What cannot be written to its end is removed again.
 * @param path of a file that there is not yet
 * @throws {InvalidInput} when a tensor cannot be read, or the source has one that does not fit its shape and dtype
 */
export async function saveSafetensors(path: string, source: TensorSource, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
  const { beginning, names } = writeHeader(source.specs, metadata);
  const file = await open(path, 'wx');
  try {
    await file.writeFile(beginning);
    for (const name of names) {
      const tensor = await source.read(name);
      checkValues(name, tensor);
      await file.writeFile(writeValues(name, tensor));
    }
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
