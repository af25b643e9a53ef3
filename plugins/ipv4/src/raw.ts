/**
 * raw.ts — raw sockets: whoever wants whole packets of a protocol, besides its handler (cf. Linux net/ipv4/raw.c).
 */
import { INADDR_ANY, IP_DADDR, type SkBuff } from '@packetwalk/framework';
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
  /** Wants packets with the router alert option too, which are on their way elsewhere. */
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

/** Tells the listeners of the quoted packet's protocol about an ICMP error. */
export function rawIcmpError(ipv4: Ipv4, skb: SkBuff, protocol: number, type: number, code: number, info: number): void {
  if (ipv4.raw.empty) return;
  for (const listener of ipv4.raw.matching(protocol, INADDR_ANY)) listener.error?.(skb, type, code, info);
}

/** Shows a packet with the router alert option to those who want such; true when somebody took it (ip_call_ra_chain). */
export function ipCallRaChain(skb: SkBuff): boolean {
  const { raw } = ipv4Of(skb);
  if (raw.empty) return false;
  const { view } = skb.head;
  const protocol = view.getUint8(skb.networkHeader + 9);
  const takers = raw.matching(protocol, view.getInt32(skb.networkHeader + IP_DADDR)).filter((l) => l.routerAlert === true);
  for (const taker of takers) taker.receive(skb);
  return takers.length > 0;
}
