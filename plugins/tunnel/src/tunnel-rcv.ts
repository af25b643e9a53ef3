/** tunnel-rcv.ts — a packet for one of our tunnels: its outer headers go, and it arrives at the tunnel's device (cf. Linux ip_tunnel_rcv). */
import {
  dropReason,
  IP_TOS,
  kfreeSkb,
  nfResetCt,
  PACKET_HOST,
  RX_CRC_ERRORS,
  RX_ERRORS,
  RX_FIFO_ERRORS,
  RX_FRAME_ERRORS,
  type SkBuff,
  skbMakeWritable,
  skbPull,
} from '@packetwalk/framework';
import { ecnDecapsulate } from './ecn.ts';
import { GRE_CSUM, GRE_SEQ, type GreHeader } from './gre-header.ts';
import type { Tunnel } from './tunnel.ts';

const TUNNEL_CSUM: number = dropReason('TUNNEL_CSUM', 'the tunnel demands a checksum that is not there, or knows of none');
const TUNNEL_SEQ: number = dropReason('TUNNEL_SEQ', 'out of sequence in a tunnel that demands it');
const TUNNEL_ECN: number = dropReason('TUNNEL_ECN', 'congestion was marked outside of a packet whose sender knows no marks');

/**
 * Delivers the packet inside.
 * @param skb data at the header behind the outer IPv4 header, `length` bytes long
 * @param gre that header when it is GRE's
 */
export function ipTunnelRcv(tunnel: Tunnel, skb: SkBuff, length: number, gre: GreHeader | null): number {
  const { dev, parms } = tunnel;
  const { stats } = dev;
  if (gre !== null) {
    if (((gre.flags ^ parms.iFlags) & GRE_CSUM) !== 0) return receiveError(tunnel, skb, RX_CRC_ERRORS, TUNNEL_CSUM);
    if ((parms.iFlags & GRE_SEQ) !== 0) {
      const late = tunnel.iSeqno !== 0 && ((gre.seq - tunnel.iSeqno) | 0) < 0;
      if ((gre.flags & GRE_SEQ) === 0 || late) return receiveError(tunnel, skb, RX_FIFO_ERRORS, TUNNEL_SEQ);
      tunnel.iSeqno = (gre.seq + 1) | 0;
    }
  }
  skbMakeWritable(skb);
  const { view } = skb.head;
  const outerTos = view.getUint8(skb.networkHeader + IP_TOS);
  const inner = skbPull(skb, length);
  skb.networkHeader = inner;
  if (skb.len > IP_TOS && !ecnDecapsulate(outerTos, view, inner)) {
    stats[RX_ERRORS]++;
    stats[RX_FRAME_ERRORS]++;
    kfreeSkb(skb, TUNNEL_ECN);
    return 0;
  }
  scrub(skb);
  skb.dev = dev;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'ipTunnelRcv', `dev ${dev.name}`);
  // By the backlog: tunnels in tunnels do not recurse.
  skb.net.softirq.netifRx(skb);
  return 0;
}

function receiveError(tunnel: Tunnel, skb: SkBuff, counter: number, reason: number): number {
  const { stats } = tunnel.dev;
  stats[RX_ERRORS]++;
  stats[counter]++;
  kfreeSkb(skb, reason);
  return 0;
}

/** What belonged to the packet outside does not belong to the one inside, or the other way round (skb_scrub_packet). */
export function scrub(skb: SkBuff): void {
  skb.pktType = PACKET_HOST;
  skb.iif = 0;
  skb.dst = null;
  skb.neighbour = null;
  skb.secPath = null;
  skb.nfBridge = null;
  skb.vlanTci = 0;
  skb.ext = null;
  skb.cb0 = 0;
  skb.cb1 = 0;
  skb.cb2 = 0;
  skb.cb3 = 0;
  nfResetCt(skb);
}
