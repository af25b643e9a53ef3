/** target/nf-checksum.ts — is a packet's transport checksum right, before anything is answered to it (cf. Linux nf_ip_checksum)? */
import {
  CHECKSUM_NONE,
  csumPartial,
  csumTcpudpPseudo,
  IP_DADDR,
  IP_PROTOCOL,
  IP_SADDR,
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type SkBuff,
  UDP_CHECK,
  UDP_HLEN,
  type XtParam,
} from '@packetwalk/framework';

const GRE_HLEN = 4;
const IPPROTO_DCCP = 33;
const IPPROTO_SCTP = 132;
const IPPROTO_UDPLITE = 136;

/** Protocols with another integrity check, or with a checksum over a part. */
const UNCHECKED = [IPPROTO_AH, IPPROTO_ESP, IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_DCCP];

/** First byte of a GRE header: the bit of a checksum. */
const GRE_CSUM = 0x80;

/**
 * True when the checksum over everything behind the IP header is right, with the pseudo header for TCP and UDP; also for
 * protocols that have none of this kind, and where it was left out (nf_reject_verify_csum).
 */
export function checksumOk(skb: SkBuff, par: XtParam): boolean {
  if (skb.ipSummed !== CHECKSUM_NONE) return true;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const protocol = view.getUint8(ip + IP_PROTOCOL);
  if (UNCHECKED.includes(protocol)) return true;
  const start = ip + par.thoff;
  const length = skb.data + skb.len - start;
  if (protocol === IPPROTO_UDP && length >= UDP_HLEN && view.getUint16(start + UDP_CHECK) === 0) return true;
  if (protocol === IPPROTO_GRE && length >= GRE_HLEN && (view.getUint8(start) & GRE_CSUM) === 0) return true;
  const ported = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  const pseudo = ported ? csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), protocol, length) : 0;
  return csumPartial(view, start, length, pseudo) === 0xffff;
}
