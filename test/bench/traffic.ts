/** traffic.ts — frames and routes for benchmarks, from a seed. */
import { ipComputeCsum, type Random } from '@packetwalk/framework';

/** Length of the frames: the shortest that Ethernet carries, without FCS. */
export const FRAME_LENGTH = 64;

const ETH = 14;

/** Shares of prefix lengths in a table like the Internet's, in percent (the rest are /24). */
const LENGTHS: readonly (readonly [number, number])[] = [
  [16, 2],
  [18, 2],
  [19, 3],
  [20, 5],
  [21, 6],
  [22, 12],
  [23, 10],
];

/** `count` different prefixes within 16.0.0.0 – 95.255.255.255, with lengths as the Internet has them. */
export function makePrefixes(random: Random, count: number): { prefix: number; length: number }[] {
  const seen = new Set<string>();
  const prefixes: { prefix: number; length: number }[] = [];
  while (prefixes.length < count) {
    let share = random.below(100);
    let length = 24;
    for (const [len, percent] of LENGTHS) {
      if (share < percent) {
        length = len;
        break;
      }
      share -= percent;
    }
    const prefix = (((16 + random.below(80)) << 24) | (random.int32() & 0xffffff)) & (-1 << (32 - length));
    const key = `${prefix}/${length}`;
    if (seen.has(key)) continue;
    seen.add(key);
    prefixes.push({ prefix, length });
  }
  return prefixes;
}

/** UDP frames for `mac` of `flows` flows, each to its own destination. */
export function makeFrames(destinations: readonly number[], mac: Uint8Array): Uint8Array[] {
  return destinations.map((daddr, i) => {
    const frame = new Uint8Array(FRAME_LENGTH);
    const view = new DataView(frame.buffer);
    frame.set(mac);
    frame.set([2, 0, 0, 0, 9, 9], 6);
    view.setUint16(12, 0x0800);
    view.setUint8(ETH, 0x45);
    view.setUint16(ETH + 2, FRAME_LENGTH - ETH);
    view.setUint16(ETH + 4, i & 0xffff);
    view.setUint8(ETH + 8, 64);
    view.setUint8(ETH + 9, 17);
    view.setInt32(ETH + 12, 0x0a000000 | (2 + (i % 250)));
    view.setInt32(ETH + 16, daddr);
    view.setUint16(ETH + 10, ipComputeCsum(view, ETH, 20));
    view.setUint16(ETH + 20, 1024 + (i & 0x3fff));
    view.setUint16(ETH + 22, 4789);
    view.setUint16(ETH + 24, FRAME_LENGTH - ETH - 20);
    return frame;
  });
}
