/** tunnel.ts — a tunnel: what it was configured to do, and which received packets are its own (cf. Linux net/ipv4/ip_tunnel.c). */
import { type Flow, isUp, type NetDevice, RT_SCOPE_UNIVERSE } from '@packetwalk/framework';
import { GRE_KEY, greHeaderLength } from './gre-header.ts';

/** Configuration of a tunnel (ip_tunnel_parm). Addresses and keys are int32. */
export interface TunnelParms {
  /** Address of this end; 0: any. */
  local: number;
  /** Address of the other end; 0: each packet's next hop, and packets from anybody. */
  remote: number;
  /** Ifindex of the device that carries it; 0: as routed. */
  link: number;
  /** IPPROTO_IPIP or IPPROTO_GRE; 0: any that the kind of tunnel can carry. */
  protocol: number;
  /** 0: the inner packet's. */
  ttl: number;
  /** Bit 0: the inner packet's. */
  tos: number;
  /** DF in outer headers always, not only when the inner packet has it (path MTU discovery). */
  pmtudisc: boolean;
  /** Not even when the inner packet has it. */
  ignoreDf: boolean;
  /** GRE_CSUM, GRE_KEY and GRE_SEQ: demanded of what comes in, and put into what goes out. */
  iFlags: number;
  oFlags: number;
  iKey: number;
  oKey: number;
  /** Mark with which outer packets are routed. */
  fwmark: number;
}

export function emptyParms(protocol: number): TunnelParms {
  return {
    local: 0,
    remote: 0,
    link: 0,
    protocol,
    ttl: 0,
    tos: 0,
    pmtudisc: true,
    ignoreDf: false,
    iFlags: 0,
    oFlags: 0,
    iKey: 0,
    oKey: 0,
    fwmark: 0,
  };
}

/** A host unreachable message about the outer packets concerns the next packets for this long, ms (IPTUNNEL_ERR_TIMEO). */
export const IPTUNNEL_ERR_TIMEO = 30_000;

export class Tunnel {
  /** Set when it is registered. */
  dev!: NetDevice;
  parms: TunnelParms = emptyParms(0);
  /** Bytes between the outer and the inner IPv4 header. */
  headerLength = 0;
  /** The next sequence number expected, and the next one to send. */
  iSeqno = 0;
  oSeqno = 0;
  /** ICMP errors about outer packets that no sender has been told of, and when the last came, in jiffies. */
  errCount = 0;
  errTime = 0;
  /** Outer packets are looked up with it: one object serves all of them. */
  readonly flow: Flow = {
    daddr: 0,
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: 0,
  };

  setParms(parms: TunnelParms, gre: boolean): void {
    this.parms = parms;
    this.headerLength = gre ? greHeaderLength(parms.oFlags) : 0;
  }

  /** The flow of its outer packets to `daddr`, ready to be looked up (ip_tunnel_init_flow). */
  outerFlow(daddr: number, tos: number, protocol: number): Flow {
    const { flow, parms } = this;
    flow.daddr = daddr;
    flow.saddr = parms.local;
    flow.tos = tos;
    flow.iif = 0;
    flow.oif = parms.link;
    flow.mark = parms.fwmark;
    flow.protocol = protocol;
    flow.sport = parms.oKey >>> 16;
    flow.dport = parms.oKey & 0xffff;
    flow.flags = 0;
    return flow;
  }

  /** A packet with these GRE flags and key may be its own (ip_tunnel_key_match). */
  keyMatches(flags: number, key: number): boolean {
    const wants = (this.parms.iFlags & GRE_KEY) !== 0;
    const has = (flags & GRE_KEY) !== 0;
    return wants === has && (!wants || key === this.parms.iKey);
  }
}

/** All tunnels of one kind in one router (ip_tunnel_net). */
export class TunnelTable {
  /** Takes what no other tunnel does, when it is up (`tunl0`, `gre0`); null before the first tunnel was made. */
  fallback: Tunnel | null = null;
  private readonly tunnels: Tunnel[] = [];

  add(tunnel: Tunnel): void {
    this.tunnels.push(tunnel);
  }

  remove(tunnel: Tunnel): void {
    const i = this.tunnels.indexOf(tunnel);
    if (i >= 0) this.tunnels.splice(i, 1);
    if (this.fallback === tunnel) this.fallback = null;
  }

  all(): readonly Tunnel[] {
    return this.tunnels;
  }

  of(dev: NetDevice): Tunnel | undefined {
    return this.tunnels.find((tunnel) => tunnel.dev === dev);
  }

  /** The tunnel with these ends, key and device, or undefined (ip_tunnel_find). */
  find(parms: TunnelParms): Tunnel | undefined {
    return this.tunnels.find(
      (t) =>
        t.parms.local === parms.local &&
        t.parms.remote === parms.remote &&
        t.parms.link === parms.link &&
        t.keyMatches(parms.iFlags, parms.iKey),
    );
  }

  /**
   * Whose the packet from `remote` to `local` is that came in by `link`: the tunnel between both, to the other end, from
   * this one, or any with that key, in this order, but a tunnel on that device first of all (ip_tunnel_lookup). The path:
   * no allocation; routers have few tunnels, so they are looked through.
   */
  lookup(link: number, remote: number, local: number, flags: number, key: number): Tunnel | null {
    const { tunnels, fallback } = this;
    let best: Tunnel | null = fallback !== null && isUp(fallback.dev) ? fallback : null;
    let bestRank = 0;
    for (let i = 0; i < tunnels.length; i++) {
      const tunnel = tunnels[i];
      const rank = rankOf(tunnel.parms, link, remote, local);
      if (rank <= bestRank || !isUp(tunnel.dev) || !tunnel.keyMatches(flags, key)) continue;
      best = tunnel;
      bestRank = rank;
    }
    return best;
  }
}

/** How well a tunnel suits a packet; 0: not at all. */
function rankOf(parms: TunnelParms, link: number, remote: number, local: number): number {
  const onLink = parms.link === link ? 4 : 0;
  if (parms.remote === remote) {
    if (parms.local === local) return onLink + 4;
    if (parms.local === 0) return onLink + 3;
  }
  if (parms.remote === 0) {
    if (parms.local === local) return onLink + 2;
    if (parms.local === 0) return onLink + 1;
  }
  return 0;
}
