/** target/ip-field.ts — changing a byte of the IP header, its checksum along (RFC 1624). */
import { csumReplace2, IP_CHECK, type SkBuff, skbMakeWritable } from '@packetwalk/framework';

/** Sets the byte at `field` of the header; the packet's bytes are made its own first. */
export function setIpByte(skb: SkBuff, field: number, value: number): void {
  if (skb.head.view.getUint8(skb.networkHeader + field) === value) return;
  skbMakeWritable(skb);
  const { view } = skb.head;
  const ip = skb.networkHeader;
  // The word that the byte is in.
  const word = ip + (field & ~1);
  const before = view.getUint16(word);
  view.setUint8(ip + field, value);
  view.setUint16(ip + IP_CHECK, csumReplace2(view.getUint16(ip + IP_CHECK), before, view.getUint16(word)));
}
