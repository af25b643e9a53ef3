/** proto-udp.ts — tracking UDP (RFC 768) and UDP-Lite (RFC 3828): a query and its answer, or a stream (cf. Linux net/netfilter/nf_conntrack_proto_udp.c). */
import {
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_NAT_CLASH,
  IPS_SEEN_REPLY,
  type NfHookState,
  type SkBuff,
  UDP_CHECK,
  UDP_HLEN,
  UDP_LEN,
} from '@packetwalk/framework';
import { IPCT_ASSURED } from './events.ts';
import { checksumRight } from './l4-checksum.ts';
import { CT_PROTO, CT_STATUS, type NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { TIMEOUT_REPLIED, TIMEOUT_UNREPLIED } from './settings.ts';
import { CT_ACCEPT } from './verdict.ts';

/** Word of the row: from when on traffic both ways makes a stream of it, ms mod 2^32. */
const UDP_STREAM_FROM: number = CT_PROTO;
/** A flow that still goes on after this is more than a query and its answer, ms. */
const STREAM_AFTER = 2000;

/** A datagram at `uh` of a connection, in direction `dir`: CT_*. */
export function udpPacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, uh: number, dir: number, hook: NfHookState): number {
  const { view } = skb.head;
  const room = skb.data + skb.len - uh;
  if (room < UDP_HLEN) return nct.invalid(skb, IPPROTO_UDP, 'short packet');
  const length = view.getUint16(uh + UDP_LEN);
  if (length > room || length < UDP_HLEN) return nct.invalid(skb, IPPROTO_UDP, 'truncated/malformed packet');
  if (view.getUint16(uh + UDP_CHECK) !== 0 && !checksumRight(nct, skb, uh, IPPROTO_UDP, hook)) {
    return nct.invalid(skb, IPPROTO_UDP, 'bad checksum');
  }
  const { words, base } = ct;
  const status = words[base + CT_STATUS];
  const { udp } = nct.settings;
  if ((status & IPS_CONFIRMED) === 0) words[base + UDP_STREAM_FROM] = nct.now + STREAM_AFTER;
  const stream = (status & IPS_SEEN_REPLY) !== 0 && ((words[base + UDP_STREAM_FROM] - nct.now) | 0) < 0;
  nct.refresh(ct, dir, skb, udp[stream ? TIMEOUT_REPLIED : TIMEOUT_UNREPLIED]);
  if (stream && (status & (IPS_NAT_CLASH | IPS_ASSURED)) === 0) setAssured(nct, ct);
  return CT_ACCEPT;
}

/** The same for UDP-Lite, where the length field says how much the checksum covers. */
export function udplitePacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, uh: number, dir: number, hook: NfHookState): number {
  const { view } = skb.head;
  const room = skb.data + skb.len - uh;
  if (room < UDP_HLEN) return nct.invalid(skb, IPPROTO_UDPLITE, 'short packet');
  const coverage = view.getUint16(uh + UDP_LEN) || room;
  if (coverage < UDP_HLEN || coverage > room) return nct.invalid(skb, IPPROTO_UDPLITE, 'invalid checksum coverage');
  if (view.getUint16(uh + UDP_CHECK) === 0) return nct.invalid(skb, IPPROTO_UDPLITE, 'checksum missing');
  // The kernel sums it up as UDP, pseudo header included.
  if (!checksumRight(nct, skb, uh, IPPROTO_UDP, hook, coverage)) return nct.invalid(skb, IPPROTO_UDPLITE, 'bad checksum');
  const { status } = ct;
  const replied = (status & IPS_SEEN_REPLY) !== 0;
  nct.refresh(ct, dir, skb, nct.settings.udp[replied ? TIMEOUT_REPLIED : TIMEOUT_UNREPLIED]);
  if (replied && (status & (IPS_NAT_CLASH | IPS_ASSURED)) === 0) setAssured(nct, ct);
  return CT_ACCEPT;
}

/** Traffic was seen both ways and goes on: not to be evicted early. */
export function setAssured(nct: NfConntrack, ct: NfConn): void {
  ct.setStatus(IPS_ASSURED);
  nct.eventCache(ct, IPCT_ASSURED);
}
