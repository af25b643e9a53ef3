/**
 * raw.ts — raw sockets: whoever wants whole packets of a protocol, besides its handler (raw(7), RFC 2113; cf. Linux
 * net/ipv4/raw.c, ip_input.c ip_call_ra_chain).
 */
import {
  consumeSkb,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  INADDR_ANY,
  IP_DADDR,
  IP_DEFRAG_CALL_RA_CHAIN,
  IP_FRAG_OFF,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  ipHdrLen,
  type SkBuff,
  skbPull,
} from '@packetwalk/framework';
import { ipDefrag } from './ip-defrag.ts';
import { type Ipv4, ipv4Of } from './ipv4.ts';

/** A listener on one protocol. The packet is valid during the call only, and is not the listener's to free. */
export interface RawListener {
  readonly protocol: number;
  /** Local address that packets must be for; 0: any. */
  readonly address: number;
  /** `skb.data` is at the transport header. */
  receive(skb: SkBuff): void;
  /** An ICMP error about a packet of this protocol; `skb.data` is at the quoted IP header. */
  error?(skb: SkBuff, type: number, code: number, info: number): void;
  /** Wants packets with the router alert option too, which are on their way elsewhere; they go no further. */
  readonly routerAlert?: boolean;
}

/** Those who listen, in the order they came. */
export class RawListeners {
  private readonly listeners: RawListener[] = [];

  /** Adds a listener; returns its undo. */
  add(listener: RawListener): () => void {
    this.listeners.push(listener);
    return () => {
      const i = this.listeners.indexOf(listener);
      if (i >= 0) this.listeners.splice(i, 1);
    };
  }

  get empty(): boolean {
    return this.listeners.length === 0;
  }

  /** True when somebody listens on the protocol. */
  hears(protocol: number): boolean {
    return this.listeners.some((l) => l.protocol === protocol);
  }

  /** Those that want packets of a protocol with the router alert option. */
  wantingAlerts(protocol: number): RawListener[] {
    return this.listeners.filter((l) => l.protocol === protocol && l.routerAlert === true);
  }

  /** Those for a protocol and a local address: a copy, since listeners may leave while they hear. */
  matching(protocol: number, address: number): RawListener[] {
    return this.listeners.filter((l) => l.protocol === protocol && (l.address === INADDR_ANY || l.address === address));
  }
}

/** Shows a delivered packet to the listeners of its protocol; true when there was one. */
export function rawLocalDeliver(ipv4: Ipv4, skb: SkBuff, protocol: number): boolean {
  if (ipv4.raw.empty) return false;
  const listeners = ipv4.raw.matching(protocol, skb.head.view.getInt32(skb.networkHeader + IP_DADDR));
  for (const listener of listeners) listener.receive(skb);
  return listeners.length > 0;
}

/** Tells the listeners of the quoted packet's protocol about an ICMP error; `skb.data` is at the quoted IP header. */
export function rawIcmpError(ipv4: Ipv4, skb: SkBuff, protocol: number, type: number, code: number, info: number): void {
  if (ipv4.raw.empty) return;
  const listeners = ipv4.raw.matching(protocol, skb.head.view.getInt32(skb.data + IP_SADDR));
  if (listeners.length > 0) learnFromError(skb, protocol, type, code, info);
  for (const listener of listeners) listener.error?.(skb, type, code, info);
}

/** What an ICMP error says of the path of a socket's packets goes to routing (ipv4_sk_update_pmtu, ipv4_sk_redirect). */
export function learnFromError(skb: SkBuff, protocol: number, type: number, code: number, info: number): void {
  const { routing } = ipv4Of(skb);
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) routing.updatePmtu(skb, protocol, info);
  else if (type === ICMP_REDIRECT) routing.redirected(skb, protocol, info);
}

/**
 * Gives a packet in transit with the router alert option to those who want such; true when somebody did, and the packet
 * is gone.
 */
export function ipCallRaChain(skb: SkBuff): boolean {
  const { raw } = ipv4Of(skb);
  if (raw.empty) return false;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const takers = raw.wantingAlerts(view.getUint8(ip + IP_PROTOCOL));
  if (takers.length === 0) return false;
  const fragment = (view.getUint16(ip + IP_FRAG_OFF) & (IP_MF | IP_OFFSET)) !== 0;
  if (fragment && ipDefrag(skb, IP_DEFRAG_CALL_RA_CHAIN) !== 0) return true;
  skbPull(skb, ipHdrLen(skb.head.view, skb.networkHeader));
  for (const taker of takers) taker.receive(skb);
  consumeSkb(skb);
  return true;
}
