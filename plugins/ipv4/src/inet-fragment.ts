/**
 * inet-fragment.ts — packets that are not whole yet (cf. Linux net/ipv4/inet_fragment.c): queues by key, their fragments
 * in order, the memory that all of them hold.
 *
 *      FragQueue ──▶ run [0, 1480) ──▶ run [2960, 5920) ──▶ …        a run is a row of fragments without a gap
 *                     │                 │
 *                     skb               skb ─▶ skb                    linked through `next`
 */
import { kfreeSkb, type SkBuff, type Softirq, Timer } from '@packetwalk/framework';
import type { InetPeer } from './inetpeer.ts';

/** Flags of a queue: the first fragment is here; the last one is, so that the length is known. */
export const INET_FRAG_FIRST_IN = 1;
export const INET_FRAG_LAST_IN = 2;

/** Answers of insert: taken; known already, or at odds with what is here. */
export const IPFRAG_OK = 0;
export const IPFRAG_DUP = 1;
export const IPFRAG_OVERLAP = 2;

/** Bytes that a queue and a fragment are reckoned at, buffers apart. */
const QUEUE_SIZE = 256;
const SKB_SIZE = 256;
const BUCKETS = 1024;

/** Bytes [offset, end) of a packet, in one or more fragments that follow each other. */
export interface FragRun {
  readonly offset: number;
  end: number;
  readonly head: SkBuff;
  tail: SkBuff;
}

/** One packet that is being put together. */
export class FragQueue {
  readonly saddr: number;
  readonly daddr: number;
  readonly id: number;
  readonly protocol: number;
  /** Who puts it together: IP_DEFRAG_*. */
  readonly user: number;
  /** Next queue of the hash bucket. */
  next: FragQueue | null = null;
  readonly timer: Timer;
  flags = 0;
  /** Length of the payload as far as is known, and how many bytes of it are here. */
  len = 0;
  meat = 0;
  /** Bytes of memory held. */
  mem: number = QUEUE_SIZE;
  /** By rising offset, no two touching the same byte. */
  runs: FragRun[] = [];
  /** Largest fragment, and largest one with DF, header included. */
  maxSize = 0;
  maxDfSize = 0;
  /** ECN fields seen, one bit each. */
  ecn = 0;
  /** Where the last fragment came in, and when. */
  iif = 0;
  stamp = 0;
  /** The sender, and its fragment count when the last one of this packet came; null when nobody counts. */
  peer: InetPeer | null = null;
  rid = 0;

  constructor(saddr: number, daddr: number, id: number, protocol: number, user: number, expire: (queue: FragQueue) => void) {
    this.saddr = saddr;
    this.daddr = daddr;
    this.id = id;
    this.protocol = protocol;
    this.user = user;
    this.timer = new Timer('ipv4 reassembly', () => expire(this));
  }

  /** Puts a fragment where it belongs; its bytes are [offset, end) (inet_frag_queue_insert). */
  insert(skb: SkBuff, offset: number, end: number): number {
    const { runs } = this;
    const last = runs.length === 0 ? null : runs[runs.length - 1];
    if (last === null || last.end < end) {
      // Nearly always it comes behind all others.
      if (last !== null && offset < last.end) return IPFRAG_OVERLAP;
      if (last !== null && offset === last.end) {
        last.tail.next = skb;
        last.tail = skb;
        last.end = end;
      } else runs.push({ offset, end, head: skb, tail: skb });
      return IPFRAG_OK;
    }
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = runs[middle];
      if (end <= run.offset) high = middle;
      else if (offset >= run.end) low = middle + 1;
      else return offset >= run.offset && end <= run.end ? IPFRAG_DUP : IPFRAG_OVERLAP;
    }
    // It does not join its neighbours: a later fragment that spans two runs is an overlap then, as with the kernel.
    runs.splice(low, 0, { offset, end, head: skb, tail: skb });
    return IPFRAG_OK;
  }

  /** Forgets the fragments, which are the caller's to free now; returns them as one row. */
  takeAll(): SkBuff | null {
    let row: SkBuff | null = null;
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const { head, tail } = this.runs[i];
      tail.next = row;
      row = head;
    }
    this.runs = [];
    return row;
  }
}

/** All queues of one router. */
export class FragQueues {
  /** Bytes that fragments hold in all. */
  mem = 0;
  private readonly softirq: Softirq;
  private readonly buckets: (FragQueue | null)[] = new Array(BUCKETS).fill(null);
  private readonly seed: number;
  private count = 0;

  constructor(softirq: Softirq) {
    this.softirq = softirq;
    this.seed = softirq.random.int32();
  }

  /** Number of packets that are being put together. */
  get size(): number {
    return this.count;
  }

  find(saddr: number, daddr: number, id: number, protocol: number, user: number): FragQueue | null {
    let q = this.buckets[this.hash(saddr, daddr, id, protocol)];
    while (q !== null && (q.saddr !== saddr || q.daddr !== daddr || q.id !== id || q.protocol !== protocol || q.user !== user)) q = q.next;
    return q;
  }

  /** Adds a queue, which expires in `timeout` ms. */
  add(q: FragQueue, timeout: number): void {
    const bucket = this.hash(q.saddr, q.daddr, q.id, q.protocol);
    q.next = this.buckets[bucket];
    this.buckets[bucket] = q;
    this.count++;
    this.mem += q.mem;
    this.softirq.modTimer(q.timer, timeout);
  }

  /** Counts the memory of a fragment that was put into the queue. */
  charge(q: FragQueue, skb: SkBuff): void {
    const bytes = skb.head.buf.length + SKB_SIZE;
    q.mem += bytes;
    this.mem += bytes;
  }

  /** Takes a queue out; its fragments stay in it (inet_frag_kill). */
  kill(q: FragQueue): void {
    this.softirq.delTimer(q.timer);
    const bucket = this.hash(q.saddr, q.daddr, q.id, q.protocol);
    let before: FragQueue | null = null;
    for (let at = this.buckets[bucket]; at !== q; at = at.next) {
      if (at === null) return;
      before = at;
    }
    if (before === null) this.buckets[bucket] = q.next;
    else before.next = q.next;
    this.count--;
    this.mem -= q.mem;
  }

  /** Frees the fragments of a queue that stays, as if none had come (ip_frag_reinit). */
  restart(q: FragQueue, timeout: number, reason: number): void {
    this.mem -= q.mem - QUEUE_SIZE;
    q.mem = QUEUE_SIZE;
    freeRow(q.takeAll(), reason);
    q.flags = 0;
    q.len = 0;
    q.meat = 0;
    q.iif = 0;
    q.ecn = 0;
    this.softirq.modTimer(q.timer, timeout);
  }

  /** Takes a queue out and frees its fragments. */
  destroy(q: FragQueue, reason: number): void {
    this.kill(q);
    freeRow(q.takeAll(), reason);
  }

  /** The router stops: everything goes. */
  purge(reason: number): void {
    for (const first of this.buckets) {
      for (let q = first; q !== null; q = q.next) this.destroy(q, reason);
    }
  }

  private hash(saddr: number, daddr: number, id: number, protocol: number): number {
    let h = Math.imul(saddr ^ this.seed, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15) ^ daddr, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13) ^ (id << 8) ^ protocol, 0xc2b2ae35);
    return (h ^ (h >>> 16)) & (BUCKETS - 1);
  }
}

/** Frees fragments linked through `next`. */
export function freeRow(row: SkBuff | null, reason: number): void {
  for (let skb = row; skb !== null; ) {
    const { next } = skb;
    skb.next = null;
    kfreeSkb(skb, reason);
    skb = next;
  }
}
