/**
 * match/text-search.ts — finding bytes in bytes, in a time that grows with the packet's length alone: Knuth, Morris and
 * Pratt 1977, and Boyer and Moore 1977 with both of its rules (cf. Linux lib/ts_kmp.c, lib/ts_bm.c).
 */

/** Offset of the first place in `buf` from `start` to before `end` where the whole pattern stands, or -1. */
export type TextSearch = (buf: Uint8Array, start: number, end: number) => number;

/** Letters of ASCII without their case. */
function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** What bytes are compared as: themselves, or without case. */
function folding(icase: boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (icase ? lower(byte) : byte));
}

export function knuthMorrisPratt(text: Uint8Array, icase: boolean): TextSearch {
  const fold = folding(icase);
  const pattern = text.map((byte) => fold[byte]);
  const m = pattern.length;
  // prefix[i]: length of the longest proper prefix of the pattern that is also a suffix of its first i + 1 bytes.
  const prefix = new Uint8Array(m);
  for (let i = 1, q = 0; i < m; i++) {
    while (q > 0 && pattern[q] !== pattern[i]) q = prefix[q - 1];
    if (pattern[q] === pattern[i]) q++;
    prefix[i] = q;
  }
  return (buf, start, end) => {
    for (let i = start, q = 0; i < end; i++) {
      const byte = fold[buf[i]];
      while (q > 0 && pattern[q] !== byte) q = prefix[q - 1];
      if (pattern[q] === byte) q++;
      if (q === m) return i - m + 1;
    }
    return -1;
  };
}

export function boyerMoore(text: Uint8Array, icase: boolean): TextSearch {
  const fold = folding(icase);
  const pattern = text.map((byte) => fold[byte]);
  const m = pattern.length;
  const bad = badCharacters(pattern);
  const good = goodSuffixes(pattern);
  return (buf, start, end) => {
    for (let at = start; at + m <= end; ) {
      let i = m - 1;
      while (i >= 0 && pattern[i] === fold[buf[at + i]]) i--;
      if (i < 0) return at;
      at += Math.max(good[i], i - bad[fold[buf[at + i]]]);
    }
    return -1;
  };
}

/** Last place of each byte in the pattern, -1 for none. */
function badCharacters(pattern: Uint8Array): Int16Array {
  const last = new Int16Array(256).fill(-1);
  for (let i = 0; i < pattern.length; i++) last[pattern[i]] = i;
  return last;
}

/** How far to move on when everything behind place i has agreed and i has not. */
function goodSuffixes(pattern: Uint8Array): Uint8Array {
  const m = pattern.length;
  // border[i]: start of the widest border of the suffix that starts at i.
  const border = new Uint8Array(m + 1);
  const shift = new Uint8Array(m + 1);
  let i = m;
  let j = m + 1;
  border[i] = j;
  while (i > 0) {
    while (j <= m && pattern[i - 1] !== pattern[j - 1]) {
      if (shift[j] === 0) shift[j] = j - i;
      j = border[j];
    }
    border[--i] = --j;
  }
  j = border[0];
  for (i = 0; i <= m; i++) {
    if (shift[i] === 0) shift[i] = j;
    if (i === j) j = border[j];
  }
  return shift.subarray(1);
}
