/** jhash.ts — Bob Jenkins' hash of words (lookup3.c hashword, public domain), which chooses addresses as Linux does. */

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** The hash of `words` (int32), starting from `initval`; int32. */
export function jhash2(words: readonly number[], initval: number): number {
  let a = (0xdeadbeef + (words.length << 2) + initval) | 0;
  let b = a;
  let c = a;
  let i = 0;
  for (; words.length - i > 3; i += 3) {
    a = (a + words[i]) | 0;
    b = (b + words[i + 1]) | 0;
    c = (c + words[i + 2]) | 0;
    a = (((a - c) | 0) ^ rotl(c, 4)) | 0;
    c = (c + b) | 0;
    b = (((b - a) | 0) ^ rotl(a, 6)) | 0;
    a = (a + c) | 0;
    c = (((c - b) | 0) ^ rotl(b, 8)) | 0;
    b = (b + a) | 0;
    a = (((a - c) | 0) ^ rotl(c, 16)) | 0;
    c = (c + b) | 0;
    b = (((b - a) | 0) ^ rotl(a, 19)) | 0;
    a = (a + c) | 0;
    c = (((c - b) | 0) ^ rotl(b, 4)) | 0;
    b = (b + a) | 0;
  }
  const left = words.length - i;
  if (left === 0) return c;
  if (left > 2) c = (c + words[i + 2]) | 0;
  if (left > 1) b = (b + words[i + 1]) | 0;
  a = (a + words[i]) | 0;
  c = ((c ^ b) - rotl(b, 14)) | 0;
  a = ((a ^ c) - rotl(c, 11)) | 0;
  b = ((b ^ a) - rotl(a, 25)) | 0;
  c = ((c ^ b) - rotl(b, 16)) | 0;
  a = ((a ^ c) - rotl(c, 4)) | 0;
  b = ((b ^ a) - rotl(a, 14)) | 0;
  return ((c ^ b) - rotl(b, 24)) | 0;
}

/** Maps a hash to 0 … `bound` − 1 by its high bits (reciprocal_scale); `bound` up to 2^32. */
export function reciprocalScale(hash: number, bound: number): number {
  return Math.floor(((hash >>> 0) * bound) / 0x100000000);
}
