/**
 * copy-bytes.ts — ways to move a frame from one buffer to another: word by word through views, byte by byte, by
 * `set(subarray())`. Many short rounds, of which the quickest counts: nothing disturbed it.
 *
 *   node --import ./test/bench/typescript.mjs test/bench/copy-bytes.ts [--json]
 */
import { SkbHead } from '@packetwalk/framework';

const SIZES = [60, 64, 100, 128, 192, 256, 512, 1514];
const COPIES = 3000;
const ROUNDS = 300;

type Copy = (to: SkbHead, toOffset: number, from: SkbHead, fromOffset: number, length: number) => void;

const COPIERS: Readonly<Record<string, Copy>> = {
  words(to, toOffset, from, fromOffset, length) {
    const target = to.view;
    const source = from.view;
    const words = length & ~3;
    for (let i = 0; i < words; i += 4) target.setInt32(toOffset + i, source.getInt32(fromOffset + i, true), true);
    for (let i = words; i < length; i++) target.setUint8(toOffset + i, source.getUint8(fromOffset + i));
  },
  bytes(to, toOffset, from, fromOffset, length) {
    const target = to.buf;
    const source = from.buf;
    for (let i = 0; i < length; i++) target[toOffset + i] = source[fromOffset + i];
  },
  set(to, toOffset, from, fromOffset, length) {
    to.buf.set(from.buf.subarray(fromOffset, fromOffset + length), toOffset);
  },
};

const source = new SkbHead(new Uint8Array(256 * 1024));
const targets = Array.from({ length: 8 }, () => new SkbHead(new Uint8Array(2048)));

/** Copies records of a window into packets in turn, as a driver does; nanoseconds a copy. */
function time(copy: Copy, length: number): number {
  const began = performance.now();
  let at = 0;
  for (let i = 0; i < COPIES; i++) {
    copy(targets[i & 7], 128, source, at, length);
    at += length + 16;
    if (at + length > source.buf.length) at = 3;
  }
  return ((performance.now() - began) * 1e6) / COPIES;
}

const figures = SIZES.map((length) => {
  const best = Object.entries(COPIERS).map(([name, copy]) => {
    let ns = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) ns = Math.min(ns, time(copy, length));
    return [name, Math.round(ns)] as const;
  });
  return { length, ...Object.fromEntries(best) };
});
if (process.argv.includes('--json')) console.log(JSON.stringify({ unit: 'ns/copy', runtime: process.version, figures }));
else console.table(figures);
