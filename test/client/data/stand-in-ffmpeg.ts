import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A program that answers as ffmpeg would, for drills with files that no encoder writes: what it does is named by the file
 * that it is given. It leaves its arguments beside it.
 */
export function standInFfmpeg(folder: string): string {
  const file = join(folder, 'ffmpeg');
  writeFileSync(file, `#!${process.execPath}
const { appendFileSync, writeSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(join(folder, 'arguments'))}, JSON.stringify(args) + '\\n');
const name = args[args.indexOf('-i') + 1].replace(/^.*\\//, '');
const floats = (values) => writeSync(1, Buffer.from(new Float32Array(values).buffer));
const ramp = Array.from({ length: 3000 }, (_, i) => i / 3000);
if (args.includes('ffmetadata')) writeSync(1, ';FFMETADATA1\\ntitle=Told\\n');
else if (name.startsWith('whole')) floats(ramp);
else if (name.startsWith('odd')) {
  const bytes = Buffer.from(new Float32Array(ramp).buffer);
  writeSync(1, bytes.subarray(0, 4001));
  setTimeout(() => writeSync(1, bytes.subarray(4001)), 30);
} else if (name.startsWith('endless')) {
  process.stdout.on('error', () => {});
  const more = () => process.stdout.write(Buffer.from(new Float32Array(ramp).buffer), () => setTimeout(more, 1));
  more();
} else if (name.startsWith('stuck')) setInterval(() => {}, 1000);
else if (name.startsWith('torn')) {
  floats(ramp);
  writeSync(2, '[mp3float @ 0x55bd3481abc0] Header missing\\n    Last message repeated 30 times\\n');
  process.exitCode = 1;
} else if (name.startsWith('nan')) floats([0, NaN, 0, 0]);
else if (name.startsWith('mute')) {
  writeSync(2, "Stream map '0:a:0' matches no streams.\\n");
  process.exitCode = 1;
} else {
  writeSync(2, '[mov,mp4 @ 0x1] moov atom not found\\n' + args[args.indexOf('-i') + 1] + ': Invalid data found when processing input\\n');
  process.exitCode = 1;
}
`);
  chmodSync(file, 0o755);
  return file;
}
