import { byteCopy } from '../../../genki/attacks/byte-copy.ts';
import { copiedObjects, copiedRecord } from '../../../genki/attacks/copied-commit.ts';
import { frontRun, impersonated } from '../../../genki/attacks/front-run.ts';
import { handIn, signed } from '../../../genki/attacks/hand-in.ts';
import { rotatedCopy } from '../../../genki/attacks/same-update.ts';
import { swappedFile, swappedManifest } from '../../../genki/attacks/swap-after-commit.ts';
import { heldOut } from '../../../genki/data/held-out.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import { manifestKeyOf } from '../../../genki/protocol/commit-record.ts';
import type { AdapterManifest } from '../../../genki/protocol/manifest.ts';
import type { Cast, Hostile, Play, Place } from '../cast.ts';
import type { Scenario } from './scenario.ts';

const VICTIM = 'swing';
const beforeVictim: Place = { at: 'before', victim: VICTIM };

const one = (cast: Cast, hostile: Hostile, place: Place): Play => ({ epoch: cast.epoch, attackers: [hostile], place });

/** What the round will measure by, which nobody can have before the snapshot. */
const testClips = ({ epoch }: Cast): readonly Clip[] => [...heldOut(epoch.plan.parts.A), ...heldOut(epoch.plan.parts.B)];

/** The last epoch's update of the victim, for the Dama that it is part of by now. */
const replayed = async (first: Cast, name: string, { gone, hidden }: { gone?: true; hidden?: true }): Promise<Play> => {
  const cast = await first.later();
  const old = first.adapter(VICTIM);
  const attackers = [cast.hostile(name, hidden ? rotatedCopy(old, cast.random(name)) : byteCopy(old))];
  return { epoch: cast.epoch, attackers, place: { at: 'last' }, ...(gone && { gone: [VICTIM] }) };
};

export const commits: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['copied-record', { tries: 'the victim\'s record, first in its block', play: (cast) => one(cast, { miner: cast.miner('copied-record'), handed: copiedRecord(cast.honest(VICTIM).handed) }, beforeVictim) }],
  ['copied-objects', {
    tries: 'all that the victim has published, first in its block',
    play: (cast) => {
      const miner = cast.miner('copied-objects');
      return one(cast, { miner, handed: copiedObjects(cast.honest(VICTIM).handed, miner) }, beforeVictim);
    },
  }],
  ['front-run', {
    tries: 'the victim\'s sealed upload, committed before it',
    play: (cast) => {
      const miner = cast.miner('front-run');
      const { handed, miner: { secret } } = cast.honest(VICTIM);
      return one(cast, { miner, handed: frontRun(handed, { by: miner, on: cast.epoch.on, secret }) }, beforeVictim);
    },
  }],
  ['impersonation', {
    tries: 'the victim\'s objects by their names',
    play: (cast) => {
      const miner = cast.miner('impersonation');
      return one(cast, { miner, handed: impersonated(cast.honest(VICTIM).handed, { by: miner, on: cast.epoch.on }) }, { at: 'last' });
    },
  }],
  ['late-commit', { tries: 'trained on the test data, committed after the snapshot', play: async (cast) => one(cast, cast.hostile('late-commit', await cast.train('on-the-test', testClips(cast), 20)), { at: 'late' }) }],
  ['swapped-file', { tries: 'another file after the commit', play: async (cast) => one(cast, await swapped(cast, 'swapped-file'), { at: 'first' }) }],
  ['swapped-manifest', { tries: 'another manifest after the commit', play: async (cast) => one(cast, await swapped(cast, 'swapped-manifest'), { at: 'first' }) }],
  ['forged-clock', { tries: 'a copy that says it is of long ago', play: (cast) => one(cast, forged(cast), { at: 'last' }) }],
  ['replay', { tries: 'the last epoch\'s update, signed for the new Dama', play: (cast) => replayed(cast, 'replay', {}) }],
  ['hidden-replay', { tries: 'the same from rotated matrices', play: (cast) => replayed(cast, 'hidden-replay', { hidden: true }) }],
  ['washed-history', { tries: 'who left hands in anew under another hotkey', play: (cast) => replayed(cast, 'washed-history', { gone: true }) }],
  ['hidden-washing', { tries: 'the same from rotated matrices', play: (cast) => replayed(cast, 'hidden-washing', { gone: true, hidden: true }) }],
]);

/** Commits something of its own, and learns from what is public since. */
async function swapped(cast: Cast, name: 'swapped-file' | 'swapped-manifest'): Promise<Hostile> {
  const miner = cast.miner(name);
  const on = cast.epoch.on;
  const own = handIn(encodeAdapter(await cast.train('rival-swing', cast.music('swing'))), { by: miner, on });
  const better = handIn(encodeAdapter(cast.adapter('march')), { by: miner, on });
  return { miner, handed: (name === 'swapped-file' ? swappedFile : swappedManifest)(own, better) };
}

/** Every time that a participant can name: the window, and the run. */
function forged(cast: Cast): Hostile {
  const { miner, handed } = cast.hostile('forged-clock', byteCopy(cast.adapter(VICTIM)));
  const manifestKey = manifestKeyOf(handed.record.commit!);
  const { files } = (JSON.parse(new TextDecoder().decode(handed.objects.get(manifestKey))) as { body: AdapterManifest }).body;
  const objects = new Map([...handed.objects].filter(([key]) => key !== manifestKey));
  return { miner, handed: signed({ files, window: 0, run: '1970-01-01T00:00:00Z' }, { by: miner, on: cast.epoch.on, objects }) };
}
