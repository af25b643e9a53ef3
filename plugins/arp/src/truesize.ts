/**
 * truesize.ts — what a waiting packet counts against unres_qlen_bytes (cf. Linux include/linux/skbuff.h SKB_TRUESIZE).
 *
 * The kernel counts the memory of a packet, not its length: the descriptor, and a buffer from an allocator with few
 * sizes that must hold headroom, link-layer header, packet and `skb_shared_info`. Counting the same figures makes as
 * many packets wait here as in a 64-bit Linux: 256 of up to 226 bytes with the default of 212992, 166 of up to 674,
 * 92 of up to 1698. (Measured on Linux 6.18 with frames of 42 to 1514 bytes; drivers that receive into pages differ.)
 */

/** Descriptor, and what lies behind the data of a buffer, cache-line aligned (sizeof sk_buff, skb_shared_info). */
const SK_BUFF = 256;
const SHARED_INFO = 320;
/** In front of a received packet: NET_SKB_PAD as drivers of virtual devices have it, and the Ethernet header. */
const HEADROOM = 16 + 14;
/** Buffers come from a cache of small heads, and above that from powers of two. */
const SMALL_HEAD = 576;
const CACHE_LINE = 64;

/** Memory of a packet of `length` bytes from its network header on, as the kernel would count it. */
export function skbTruesize(length: number): number {
  const need = HEADROOM + length + SHARED_INFO;
  return SK_BUFF + (need <= SMALL_HEAD ? SMALL_HEAD : 2 ** (32 - Math.clz32(need - 1)));
}

/** SKB_TRUESIZE(ETH_FRAME_LEN): the unit of the sysctl unres_qlen. */
export const ETH_FRAME_TRUESIZE: number = Math.ceil(1514 / CACHE_LINE) * CACHE_LINE + SK_BUFF + SHARED_INFO;
