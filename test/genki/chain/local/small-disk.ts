import type { Disk } from '../../../../genki/chain/local/journal.ts';

/** A disk with as much room as `fill` leaves it: it takes what fits, and then says so as a full one does. */
export function smallDisk(): { fill: (room: number) => void; wrap: (disk: Disk) => Disk } {
  let room = Infinity;
  return {
    fill: (left) => { room = left; },
    wrap: (disk) => ({
      async appendFile(line) {
        const bytes = line as Uint8Array;
        await disk.appendFile(bytes.subarray(0, Math.min(room, bytes.length)));
        if (bytes.length > room) throw new Error('ENOSPC: no space left on device, write');
        room -= bytes.length;
      },
      datasync: () => disk.datasync(),
      truncate: (length) => disk.truncate(length),
      close: () => disk.close(),
    }),
  };
}
