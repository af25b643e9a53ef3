/**
 * inetpeer.ts — what is remembered about single hosts for a while: how much they were told lately, how many fragments
 * they sent (cf. Linux net/ipv4/inetpeer.c). Bounded: when the table is full the host that was asked about longest ago goes.
 */
import type { Softirq } from '@packetwalk/framework';

/** Messages that a quiet host may get at once (XRLIM_BURST_FACTOR). */
const XRLIM_BURST_FACTOR = 6;

export class InetPeer {
  /** Jiffies at which `rateTokens` was right, and the tokens: milliseconds saved up, or the time of the last redirect. */
  rateLast: number;
  rateTokens = 0;
  /** Redirects sent since it was quiet (ip_rt_send_redirect). */
  redirects = 0;
  /** Fragments seen from it (ipfrag_max_dist). */
  rid = 0;

  constructor(now: number) {
    // As if it had been quiet for a minute: the first burst is free.
    this.rateLast = now - 60_000;
  }

  /** Asks for an ICMP message: one every `timeout` ms, six at once after silence (inet_peer_xrlim_allow). */
  allow(now: number, timeout: number): boolean {
    return this.take(now, timeout, XRLIM_BURST_FACTOR * timeout);
  }

  /** Asks for an error about a route, which costs `cost` ms of the at most `burst` ms saved up (ip_error). */
  allowRouteError(now: number, cost: number, burst: number): boolean {
    return this.take(now, cost, burst);
  }

  private take(now: number, cost: number, most: number): boolean {
    this.rateTokens = Math.min(this.rateTokens + now - this.rateLast, most);
    this.rateLast = now;
    if (this.rateTokens < cost) return false;
    this.rateTokens -= cost;
    return true;
  }
}

export class InetPeers {
  /** Most hosts remembered (net.ipv4.inet_peer_threshold). */
  threshold = 65664;
  private readonly softirq: Softirq;
  /** In the order of their last use, the oldest first. */
  private readonly peers = new Map<number, InetPeer>();

  constructor(softirq: Softirq) {
    this.softirq = softirq;
  }

  get size(): number {
    return this.peers.size;
  }

  /** The entry of a host (int32), made when there is none (inet_getpeer_v4). */
  get(address: number): InetPeer {
    let peer = this.peers.get(address);
    if (peer !== undefined) {
      this.peers.delete(address);
    } else {
      if (this.peers.size >= this.threshold) this.peers.delete(this.peers.keys().next().value as number);
      peer = new InetPeer(this.softirq.jiffies);
    }
    this.peers.set(address, peer);
    return peer;
  }
}
