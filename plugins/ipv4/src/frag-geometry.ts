/**
 * frag-geometry.ts — the sizes of the fragments that a packet came in, kept on it so that it can leave as it came. Linux
 * keeps the fragments themselves (skb_shinfo()->frag_list); here a packet is always in one piece, and only the sizes stay.
 */
import type { SkBuff } from '@packetwalk/framework';

/** Notes payload sizes, in order, in the packet's `ext` slot `slot`. */
export function keepGeometry(skb: SkBuff, slot: number, sizes: readonly number[]): void {
  skb.ext ??= [];
  skb.ext[slot] = sizes;
}

/**
 * The sizes to cut a payload of `length` bytes into, or null when they are unknown, are not of this payload, or are not
 * sendable with at most `most` bytes in each (all but the last are multiples of eight).
 */
export function fragGeometry(skb: SkBuff, slot: number, length: number, most: number): readonly number[] | null {
  if (skb.ext === null || slot < 0) return null;
  const sizes = skb.ext[slot] as readonly number[] | undefined;
  if (sizes === undefined || sizes.length < 2) return null;
  let total = 0;
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] > most || (i < sizes.length - 1 && (sizes[i] & 7) !== 0)) return null;
    total += sizes[i];
  }
  return total === length ? sizes : null;
}
