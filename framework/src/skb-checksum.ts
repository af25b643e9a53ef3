/** skb-checksum.ts — transport checksums that were left to a device, in software (cf. Linux net/core/dev.c skb_checksum_help). */
import { CHECKSUM_NONE, type SkBuff, skbMakeWritable } from './skbuff.ts';
import { csumFold, csumPartial } from './wire/checksum.ts';

/**
 * Finishes a CHECKSUM_PARTIAL packet: the checksum field holds the pseudo header's sum, and gets that of everything from
 * `csumStart` to the end of the packet. The packet is CHECKSUM_NONE afterwards.
 */
export function skbChecksumHelp(skb: SkBuff): void {
  skbMakeWritable(skb);
  const { view } = skb.head;
  const { csumStart } = skb;
  const check = csumFold(csumPartial(view, csumStart, skb.data + skb.len - csumStart));
  // An all-zero checksum would mean "none" to UDP; 0xffff is the same number (RFC 768).
  view.setUint16(csumStart + skb.csumOffset, check === 0 ? 0xffff : check);
  skb.ipSummed = CHECKSUM_NONE;
}
