import { describe, expect, it } from 'vitest';
import { captionOfFacts, MAX_CAPTION, styleOfFacts } from '../../../../genki/data/audio/caption.ts';
import { type Facts, mergedFacts } from '../../../../genki/data/audio/facts.ts';
import { titleOfFileName } from '../../../../genki/data/audio/file-name.ts';
import { factsOfSideCar } from '../../../../genki/data/audio/side-car.ts';
import { factsOfTags } from '../../../../genki/data/audio/tags.ts';
import { InvalidInput } from '../../../../genki/errors.ts';

const facts: Facts = { description: 'A lost castle.', title: 'Keep', genres: ['chiptune', 'folk'], moods: ['dark'], bpm: 120, key: 'A minor' };

describe('a caption', () => {
  it('is the description, then all else that is known, in an order of the seed', () => {
    const { caption } = captionOfFacts(facts, '1');
    expect(caption.startsWith('A lost castle. ')).toBe(true);
    expect(caption.split('. ').slice(1).sort()).toEqual(['bpm: 120', 'genre: chiptune, folk', 'key: A minor', 'moods: dark', 'title: Keep']);
    expect(captionOfFacts(facts, '1').caption).toBe(caption);
    expect(new Set(Array.from({ length: 50 }, (_, i) => captionOfFacts(facts, `${i}`).caption)).size).toBeGreaterThan(20);
  });

  it('stays as it was given', () => {
    expect(captionOfFacts({ ...facts, caption: 'just this' }, '1')).toEqual({ caption: 'just this', isCut: false });
    expect(captionOfFacts({}, '1')).toEqual({ caption: '', isCut: false });
  });

  it('ends at the last word that fits', () => {
    const long = captionOfFacts({ caption: 'castle '.repeat(20_000) }, '1');
    // 146 · 7 − 1 = 1021; the next word would end at 1028
    expect([long.caption.length, long.isCut, long.caption.endsWith(' castle')]).toEqual([1021, true, true]);
    expect(captionOfFacts({ caption: 'x'.repeat(100_000) }, '1').caption.length).toBe(MAX_CAPTION);
    expect(captionOfFacts({ caption: `${'x'.repeat(1023)}😀😀` }, '1').caption).toBe('x'.repeat(1023));
    const fits = (text: string): boolean => text.length <= 20;
    expect(captionOfFacts({ caption: 'an old and lost castle' }, '1', fits)).toEqual({ caption: 'an old and lost', isCut: true });
    expect(captionOfFacts({ caption: 'x'.repeat(2000) }, '1', fits).caption).toMatch(/^x{18,20}$/);
    expect(captionOfFacts({ caption: 'castle' }, '1', () => false)).toEqual({ caption: '', isCut: true });
  });

  it('has a style of its first genre', () => {
    expect(['Hip-Hop/Rap', 'Électronique', '80s Pop', '民謡', 'a'.repeat(40)].map((genre) => styleOfFacts({ genres: [genre] }))).toEqual(['hip-hop-rap', 'e-lectronique', 's-pop', undefined, 'a'.repeat(32)]);
    expect(styleOfFacts({ style: 'town', genres: ['rock'] })).toBe('town');
  });

  it('takes each fact from the first source that has it', () => {
    expect(mergedFacts([{ title: '', bpm: 99 }, { title: 'Tag', genres: [] }, { title: 'Name', genres: ['x'], bpm: 120 }])).toEqual({ bpm: 99, title: 'Tag', genres: ['x'] });
  });
});

describe('tags', () => {
  it('are read as ffmpeg writes them, the file\'s before its stream\'s, chapters not', () => {
    const text = ';FFMETADATA1\ntitle=My \\= Song\ncomment=line one\\\nline two\nTBPM=127.96\ngenre=Chip\\;Rock / Folk\n[STREAM]\ntitle=Stream\nINITIALKEY=F#m\nmood=Happy, happy, Dark\nartist=Somebody\n[CHAPTER]\ntitle=Chapter\nkeywords=no\n';
    expect(factsOfTags(text)).toEqual({ title: 'My = Song', description: 'line one line two', bpm: 128, genres: ['Chip', 'Rock', 'Folk'], key: 'F# minor', moods: ['Happy', 'happy', 'Dark'], keywords: [] });
  });

  it.each(['Visit https://shop.example', ' 00000D2A 00000C13 0000A1B2', 'Encoded by LAME 3.99', 'me@home', '2019', ''])('say nothing by the comment "%s"', (comment) => {
    expect(factsOfTags(`;FFMETADATA1\ncomment=${comment}\n`).description).toBeUndefined();
  });

  it('are not believed beyond what there is', () => {
    const { bpm, key, genres } = factsOfTags(';FFMETADATA1\nbpm=9999\nkey=o\ngenre=(17);Other\n');
    expect([bpm, key, genres]).toEqual([undefined, undefined, []]);
    expect(factsOfTags('=\n\\\n[\n[STREAM\n\\')).toMatchObject({ title: '', genres: [] });
  });
});

describe('a side-car', () => {
  it('has the labels that audiocraft\'s tools write', () => {
    const labels = { key: 'C# minor', artist: 'x', sample_rate: 44_100, file_extension: 'wav', description: 'A chiptune music', keywords: 'castle, lost', duration: 30.5, bpm: '120.4', genre: ['Electronic---Chiptune'], title: 'Keep', name: '', instrument: 'drum, bass', moods: ['dark'], self_wav: { path: 'x' } };
    expect(mergedFacts([factsOfSideCar(labels, 'a.json')])).toEqual({ key: 'C# minor', description: 'A chiptune music', keywords: ['castle', 'lost'], bpm: 120, genres: ['Electronic, Chiptune'], title: 'Keep', instruments: ['drum', 'bass'], moods: ['dark'] });
    expect(mergedFacts([factsOfSideCar({ bpm: '', key: null, genre: [] }, 'a.json')])).toEqual({});
  });

  it.each<[string, unknown]>([
    ['bpm', { bpm: 'fast' }], ['bpm', { bpm: -1 }], ['bpm', { bpm: [120] }], ['genre', { genre: [1] }], ['moods', { moods: 7 }], ['description', { description: {} }],
    ['sample_rate', { sample_rate: '44100' }], ['style', { style: 'Not One' }], ['expected object', ['a list']], ['expected object', undefined],
  ])('is refused by the name of %s', (field, json) => {
    expect(() => factsOfSideCar(json, 'a.json')).toThrow(InvalidInput);
    expect(() => factsOfSideCar(json, 'a.json')).toThrow(new RegExp(`a\\.json:\\n.*${field}`, 's'));
  });
});

describe('a file\'s name', () => {
  it.each([
    ['01 - My_Song', 'My Song'], ['03. lost.castle', 'lost castle'], ['track 07 - Keep', 'Keep'], ['1999', undefined], ['Track 12', undefined], ['untitled', undefined], ['9f86d081884c7d659a2feaa0c55ad015', undefined],
    ['99 red balloons', 'red balloons'], ['7', undefined], ['Ночь', 'Ночь'], ['a\u0007b cd', 'a b cd'], ['2-step', 'step'],
  ])('%s is the title %s', (stem, title) => {
    expect(titleOfFileName(stem)).toBe(title);
  });
});
