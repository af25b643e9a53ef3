/** neighbour-entry.ts — one neighbour: what is known of it, its timer, and the packets that wait (struct neighbour). */
import {
  ETH_ALEN,
  ETH_P_IP,
  ETH_SRC,
  ETH_TYPE,
  kfreeSkb,
  type Neighbour,
  type NeighOutput,
  type NetDevice,
  NUD_CONNECTED,
  NUD_NONE,
  SKB_DROP_REASON_NEIGH_DEAD,
  type SkBuff,
  SkbQueue,
  Timer,
} from '@packetwalk/framework';
import type { NeighParms } from './neighbour-parms.ts';
import type { NeighbourTable } from './neighbour-table.ts';
import { skbTruesize } from './truesize.ts';

/** Flags of an entry (NTF_*). */
export const NTF_EXT_LEARNED = 0x10;
export const NTF_ROUTER = 0x80;
/** Kept resolved without traffic. */
export const NTF_MANAGED = 0x100;

/** The two ways to send by a neighbour: while its address may be wrong, and while nobody doubts it (neigh_ops). */
export interface NeighOutputs {
  readonly output: NeighOutput;
  readonly connectedOutput: NeighOutput;
}

/** errno of a packet that meets a deleted entry. */
const ENETDOWN = 100;

/** The entry is new or deleted: nothing is sent by it. */
export function neighBlackhole(skb: SkBuff): number {
  kfreeSkb(skb, SKB_DROP_REASON_NEIGH_DEAD);
  return -ENETDOWN;
}

export class NeighbourEntry implements Neighbour {
  readonly tbl: NeighbourTable;
  readonly dev: NetDevice;
  readonly key: number;
  readonly parms: NeighParms;
  nudState: number = NUD_NONE;
  readonly ha: Uint8Array = new Uint8Array(ETH_ALEN);
  readonly hh: Int32Array = new Int32Array(4);
  used: number;
  confirmed: number;
  updated: number;
  dead = false;
  output: NeighOutput = neighBlackhole;
  outputs: NeighOutputs = { output: neighBlackhole, connectedOutput: neighBlackhole };
  /** RTN_* of the key when the entry was made. */
  type = 0;
  /** NTF_* */
  flags = 0;
  /** RTPROT_* of who added it; 0: nobody said. */
  protocol = 0;
  /** Requests sent in the state it is in; unknown neighbours start behind the unicast ones. */
  probes = 0;
  readonly timer: Timer;
  /** Next entry of its bucket. */
  hashNext: NeighbourEntry | null = null;
  private readonly arpQueue = new SkbQueue();
  private arpQueueLenBytes = 0;

  constructor(tbl: NeighbourTable, key: number, dev: NetDevice, parms: NeighParms) {
    const { jiffies } = tbl.softirq;
    this.tbl = tbl;
    this.key = key;
    this.dev = dev;
    this.parms = parms;
    this.used = jiffies;
    this.updated = jiffies;
    this.confirmed = jiffies - 2 * parms.vars.baseReachableTime;
    this.timer = new Timer('arp', () => tbl.timerExpired(this));
  }

  /** Holders beside the table: the timer is one. Only an entry without any may be collected. */
  get refcnt(): number {
    return this.timer.pending ? 1 : 0;
  }

  setState(state: number): void {
    this.nudState = state;
    this.tbl.stateChanges++;
  }

  /** Sends without further thought while nobody doubts the address (neigh_connect, neigh_suspect). */
  chooseOutput(): void {
    this.output = (this.nudState & NUD_CONNECTED) !== 0 ? this.outputs.connectedOutput : this.outputs.output;
  }

  /** The timer fires at `at`, in jiffies. */
  startTimer(at: number): void {
    this.tbl.softirq.timers.mod(this.timer, at);
  }

  stopTimer(): void {
    this.tbl.softirq.delTimer(this.timer);
  }

  /** Writes the cached header anew: the address has changed (neigh_update_hhs). */
  updateHeader(): void {
    const header = new Uint8Array(16);
    header.set(this.ha);
    header.set(this.dev.address, ETH_SRC);
    const words = new DataView(header.buffer);
    words.setUint16(ETH_TYPE, ETH_P_IP);
    for (let i = 0; i < 4; i++) this.hh[i] = words.getInt32(4 * i);
  }

  /** The packet that came last of those that wait, or null. */
  lastWaiting(): SkBuff | null {
    return this.arpQueue.peekTail();
  }

  get waiting(): number {
    return this.arpQueue.length;
  }

  /** True when a packet of `bytes` fits behind those that wait. */
  hasRoom(bytes: number): boolean {
    return this.arpQueueLenBytes + bytes <= this.parms.vars.queueLenBytes;
  }

  enqueue(skb: SkBuff): void {
    this.arpQueueLenBytes += skbTruesize(skb.len);
    this.arpQueue.push(skb);
  }

  /** Takes out the packet that came first, or null. */
  dequeue(): SkBuff | null {
    const skb = this.arpQueue.shift();
    if (skb !== null) this.arpQueueLenBytes -= skbTruesize(skb.len);
    return skb;
  }

  /** Frees all that wait. */
  purge(reason: number): void {
    this.arpQueue.purge(reason);
    this.arpQueueLenBytes = 0;
  }
}
