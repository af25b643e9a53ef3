/** l4-checksum.ts — are the transport checksums of packets that come in right? (cf. Linux net/netfilter/utils.c nf_ip_checksum) */
import {
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  csumPartial,
  csumTcpudpPseudo,
  IP_DADDR,
  IP_SADDR,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NF_IP_PRE_ROUTING,
  type NfHookState,
  type SkBuff,
} from '@packetwalk/framework';
import type { NfConntrack } from './nf-conntrack.ts';

/** True of everything but a packet that has just come in with a wrong checksum over the `length` bytes from `dataoff` on. */
export function checksumRight(
  nct: NfConntrack,
  skb: SkBuff,
  dataoff: number,
  protocol: number,
  hook: NfHookState,
  length: number = skb.data + skb.len - dataoff,
): boolean {
  if (hook.hooknum !== NF_IP_PRE_ROUTING || nct.settings.checksum === 0) return true;
  return ipChecksumRight(skb, dataoff, protocol, length);
}

/** The same wherever the packet is. One that was found right is not summed up again. */
export function ipChecksumRight(skb: SkBuff, dataoff: number, protocol: number, length: number = skb.data + skb.len - dataoff): boolean {
  if (skb.ipSummed !== CHECKSUM_NONE) return true;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const total = skb.data + skb.len - dataoff;
  const pseudo =
    protocol === IPPROTO_TCP || protocol === IPPROTO_UDP
      ? csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), protocol, total)
      : 0;
  if (csumPartial(view, dataoff, length, pseudo) !== 0xffff) return false;
  if (length === total) skb.ipSummed = CHECKSUM_UNNECESSARY;
  return true;
}
