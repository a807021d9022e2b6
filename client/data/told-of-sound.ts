import { basename, extname } from 'node:path';
import { parseJson } from '../../activities/parse-json.ts';
import { type Facts, oneLine } from '../../genki/data/audio/facts.ts';
import { titleOfFileName } from '../../genki/data/audio/file-name.ts';
import { factsOfSideCar } from '../../genki/data/audio/side-car.ts';
import { sideCar } from './read-file.ts';

/** What is told of a recording beside its bytes: by `song.json`, else by `song.txt`, which is its caption; and what its name says. */
export type ToldOfSound = { readonly beside: Facts; readonly name: Facts };

/** @throws {InvalidInput} {TooLarge} naming the side-car that is not as it should be */
export async function toldOfSound(path: string): Promise<ToldOfSound> {
  const stem = path.slice(0, path.length - extname(path).length);
  const title = titleOfFileName(basename(stem));
  return { beside: await factsBeside(stem), name: title === undefined ? {} : { title } };
}

async function factsBeside(stem: string): Promise<Facts> {
  const json = await sideCar(`${stem}.json`);
  if (json !== undefined) return factsOfSideCar(parseJson(json), `${stem}.json`);
  const text = await sideCar(`${stem}.txt`);
  return text === undefined ? {} : { caption: oneLine(new TextDecoder().decode(text)) };
}
