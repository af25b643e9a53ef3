/** packet-gre.ts — `gre` in the packet notation: version 0 with optional checksum, key and sequence number (RFC 2784, RFC 2890). */
import { csumPartial } from '../wire/checksum.ts';
import { IPPROTO_GRE } from '../wire/ipv4.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import type { WordReader } from './packet-words.ts';

const GRE_CSUM = 0x8000;
const GRE_KEY = 0x2000;
const GRE_SEQ = 0x1000;
const GRE_TYPE = 2;
const GRE_BASE = 4;
/** Each optional field takes four bytes; the checksum the first two of its own. */
const GRE_FIELD = 4;

/** `gre [sum | csum N] [key N] [seq N] [type N]`; `sum` says that there is a checksum, and computes it. */
export function readGre(words: WordReader): Layer {
  let hasSum = false;
  let [check, key, seq, type]: (number | undefined)[] = [];
  words.fields('gre', {
    sum: () => {
      hasSum = true;
    },
    csum: () => {
      hasSum = true;
      check = words.number('csum', 0xffff);
    },
    key: () => {
      key = words.number('key', 0xffffffff);
    },
    seq: () => {
      seq = words.number('seq', 0xffffffff);
    },
    type: () => {
      type = words.number('type', 0xffff);
    },
  });
  const { column } = words;
  return {
    protocol: IPPROTO_GRE,
    build(payload, _outer, inner) {
      const present = [hasSum, key !== undefined, seq !== undefined].filter(Boolean).length;
      const { bytes, view } = headerBefore(payload, GRE_BASE + present * GRE_FIELD);
      const carried = type ?? inner?.etherType;
      if (carried === undefined) words.fail('gre needs a type: what follows does not tell', column);
      view.setUint16(0, (hasSum ? GRE_CSUM : 0) | (key === undefined ? 0 : GRE_KEY) | (seq === undefined ? 0 : GRE_SEQ));
      view.setUint16(GRE_TYPE, carried);
      let at = GRE_BASE + (hasSum ? GRE_FIELD : 0);
      for (const value of [key, seq]) {
        if (value === undefined) continue;
        view.setUint32(at, value);
        at += GRE_FIELD;
      }
      if (hasSum) view.setUint16(GRE_BASE, check ?? greChecksum(view, 0, bytes.length));
      return bytes;
    },
  };
}

function greChecksum(view: DataView, at: number, end: number): number {
  const front = csumPartial(view, at, GRE_BASE);
  return ~csumPartial(view, at + GRE_BASE + 2, end - at - GRE_BASE - 2, front) & 0xffff;
}

export function printGre(s: Stretch): PrintedLayer | null {
  const { at, end, view } = s;
  if (end - at < GRE_BASE) return null;
  const flags = view.getUint16(at);
  // Routing, recursion control and other versions are not in use: such a packet is left as bytes.
  if ((flags & ~(GRE_CSUM | GRE_KEY | GRE_SEQ)) !== 0) return null;
  let o = at + GRE_BASE;
  const take = (flag: number): number => {
    if ((flags & flag) === 0) return -1;
    o += GRE_FIELD;
    return o - GRE_FIELD;
  };
  const [sum, key, seq] = [take(GRE_CSUM), take(GRE_KEY), take(GRE_SEQ)];
  if (o > end || (sum >= 0 && view.getUint16(sum + 2) !== 0)) return null;
  const words = ['gre'];
  if (sum >= 0)
    words.push(
      ...unless(view.getUint16(sum), greChecksum(view, at, end), 'csum', hexNumber)
        .concat('sum')
        .slice(0, 1),
    );
  if (key >= 0) words.push(`key ${view.getUint32(key)}`);
  if (seq >= 0) words.push(`seq ${view.getUint32(seq)}`);
  const type = view.getUint16(at + GRE_TYPE);
  return { words, rest: { ...s, at: o }, announced: { etherType: type }, announcement: `type ${hexNumber(type, 4)}` };
}
