/**
 * skbuff.ts — packets (cf. Linux include/linux/skbuff.h).
 *
 *      SkBuff ──▶ SkbHead { buf, view, refs }
 *
 *      0            data                     data+len          buf.length
 *      +------------+------------------------+-----------------+
 *      |  headroom  |         packet         |     tailroom    |
 *      +------------+------------------------+-----------------+
 *                   ▲ macHeader / networkHeader / transportHeader are offsets into buf too
 *
 * A head is shared by clones and belongs to a pool or a driver's ring; an SkBuff is one packet's place in the walk.
 * Whoever does not pass a packet on frees it: {@link kfreeSkb} with a reason, or {@link consumeSkb} when it was used up.
 */

import { SKB_CONSUMED } from './drop-reason.ts';
import type { DstEntry } from './dst.ts';
import type { Neighbour } from './neighbour.ts';
import type { Net } from './net.ts';
import type { NetDevice } from './netdevice.ts';
import { nfResetCt } from './nfct.ts';
import type { Nfct } from './services/conntrack.ts';

/** Bytes left free in front of a new packet: Ethernet, VLAN, outer IP, UDP and ESP headers fit, 16-byte aligned. */
export const NET_SKB_PAD = 128;
/** Buffer sizes: one for frames, one for reassembled and offloaded packets. */
export const SKB_SMALL = 2048;
export const SKB_LARGE: number = 65536 + 512;

export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;
export const PACKET_LOOPBACK = 5;

/** State of the transport checksum: unknown; verified by the sender's side; to be filled in at csumStart+csumOffset. */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;
export const CHECKSUM_PARTIAL = 3;

/** Memory that packets point into. One DataView for life: making one costs more than forwarding a packet does. */
export class SkbHead {
  declare readonly buf: Uint8Array;
  declare readonly view: DataView;
  /** Where `buf` starts in the process's memory, for drivers that hand it to the kernel; 0 until one has asked. */
  declare address: number;
  /** Packets that point here. */
  declare refs: number;
  /** Called instead of returning to the pool when the last packet lets go: a driver takes its ring slot back. */
  declare release: ((head: SkbHead) => void) | null;

  constructor(buf: Uint8Array) {
    this.buf = buf;
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    this.address = 0;
    this.refs = 0;
    this.release = null;
  }
}

/** The head of packets that have none: every access is out of range. */
const NO_HEAD: SkbHead = new SkbHead(new Uint8Array(0));

/** Number of `ext` slots and of `cb` words that plugins can reserve. */
export const SKB_EXT_SLOTS = 8;

/**
 * One packet. Fields have the kernel's meaning; all are set in the constructor so that V8 sees one shape. They are
 * `declare`d, here and wherever the path reads: a plain declaration makes a field start as undefined, after which V8 no
 * longer knows it for a small integer (15 % of the instructions of forwarding a packet; test/bench/forward.ts).
 */
export class SkBuff {
  declare head: SkbHead;
  /** 1 while in use, 0 in the pool. */
  declare users: number;
  declare data: number;
  declare len: number;
  declare macHeader: number;
  declare networkHeader: number;
  declare transportHeader: number;
  /** Whose counters, hooks and pool it uses now. */
  declare net: Net;
  declare dev: NetDevice;
  /** Index of the device it came in by; 0 when it was made here. */
  declare iif: number;
  declare dst: DstEntry | null;
  declare neighbour: Neighbour | null;
  declare mark: number;
  declare priority: number;
  /** EtherType. */
  declare protocol: number;
  declare pktType: number;
  /** Milliseconds since 1970, or 0 when nobody asked for time stamps. */
  declare tstamp: number;
  declare hash: number;
  declare queue: number;
  /** VLAN tag taken off the frame: 0x10000 | TCI, or 0 for none. */
  declare vlanTci: number;
  declare ipSummed: number;
  declare csumStart: number;
  declare csumOffset: number;
  declare gsoSize: number;
  declare gsoType: number;
  declare gsoSegs: number;
  /** Its connection, counted: set and let go by the functions of nfct.ts. */
  declare nfct: Nfct | null;
  declare nfctinfo: number;
  /** The transforms it came through. */
  declare secPath: object | null;
  /** Bridge port state of a bridged frame. */
  declare nfBridge: object | null;
  declare fragList: SkBuff | null;
  /** Next packet of a queue. */
  declare next: SkBuff | null;
  /** Id of its recorded walk, 0 when it is not traced. */
  declare trace: number;
  declare dropReason: number;
  /** Scratch of the layer that has the packet (IPCB and the like): see ipcb.ts of a plugin for its meaning. */
  declare cb0: number;
  declare cb1: number;
  declare cb2: number;
  declare cb3: number;
  /** References that plugins keep at a packet, by the slot they reserved; null until first used. */
  declare ext: unknown[] | null;

  constructor(net: Net, dev: NetDevice) {
    this.head = NO_HEAD;
    this.users = 0;
    this.data = 0;
    this.len = 0;
    this.macHeader = 0;
    this.networkHeader = 0;
    this.transportHeader = 0;
    this.net = net;
    this.dev = dev;
    this.iif = 0;
    this.dst = null;
    this.neighbour = null;
    this.mark = 0;
    this.priority = 0;
    this.protocol = 0;
    this.pktType = 0;
    this.tstamp = 0;
    this.hash = 0;
    this.queue = 0;
    this.vlanTci = 0;
    this.ipSummed = 0;
    this.csumStart = 0;
    this.csumOffset = 0;
    this.gsoSize = 0;
    this.gsoType = 0;
    this.gsoSegs = 0;
    this.nfct = null;
    this.nfctinfo = 0;
    this.secPath = null;
    this.nfBridge = null;
    this.fragList = null;
    this.next = null;
    this.trace = 0;
    this.dropReason = 0;
    this.cb0 = 0;
    this.cb1 = 0;
    this.cb2 = 0;
    this.cb3 = 0;
    this.ext = null;
  }
}

function reset(skb: SkBuff): void {
  skb.iif = 0;
  skb.dst = null;
  skb.neighbour = null;
  skb.mark = 0;
  skb.priority = 0;
  skb.pktType = PACKET_HOST;
  skb.tstamp = 0;
  skb.hash = 0;
  skb.queue = 0;
  skb.vlanTci = 0;
  skb.ipSummed = CHECKSUM_NONE;
  skb.gsoSize = 0;
  skb.nfct = null;
  skb.nfctinfo = 0;
  skb.secPath = null;
  skb.nfBridge = null;
  skb.fragList = null;
  skb.next = null;
  skb.trace = 0;
  skb.dropReason = 0;
  skb.cb0 = 0;
  skb.cb1 = 0;
  skb.cb2 = 0;
  skb.cb3 = 0;
  skb.ext = null;
}

/** Free packets and buffers of one process. All routers of a lab share it, so that a cable can pass a packet on. */
export class SkbPool {
  /** Packets with a small head of their own, ready to use: the common case is one pop and one push. */
  private readonly whole: SkBuff[] = [];
  private readonly bare: SkBuff[] = [];
  private readonly small: SkbHead[] = [];
  private readonly large: SkbHead[] = [];
  /** Packets in use: 0 when everything that was taken has come back. */
  inUse = 0;
  /** Bytes of buffers ever made, for the memory figures. */
  bytes = 0;

  /** A packet of class `size` (bytes it must be able to hold in all) with an unset head position. */
  take(net: Net, dev: NetDevice, size: number): SkBuff {
    this.inUse++;
    if (size <= SKB_SMALL) {
      const skb = this.whole.pop();
      if (skb !== undefined) {
        skb.users = 1;
        skb.net = net;
        skb.dev = dev;
        skb.head.refs = 1;
        reset(skb);
        return skb;
      }
    }
    const skb = this.takeBare(net, dev);
    skb.head = this.takeHead(size);
    return skb;
  }

  /** A packet without a head, for a clone or a driver's own memory. The caller counts the head's reference. */
  bind(net: Net, dev: NetDevice, head: SkbHead): SkBuff {
    this.inUse++;
    const skb = this.takeBare(net, dev);
    skb.head = head;
    head.refs++;
    return skb;
  }

  /** A fresh head, referenced once. */
  takeHead(size: number): SkbHead {
    const free = size <= SKB_SMALL ? this.small : this.large;
    let head = size <= SKB_LARGE ? free.pop() : undefined;
    if (head === undefined) {
      const bytes = size <= SKB_SMALL ? SKB_SMALL : Math.max(size, SKB_LARGE);
      head = new SkbHead(new Uint8Array(bytes));
      this.bytes += bytes;
    }
    head.refs = 1;
    return head;
  }

  give(skb: SkBuff): void {
    if (skb.users !== 1) throw new Error('packet freed twice');
    skb.users = 0;
    this.inUse--;
    const head = skb.head;
    if (head.refs === 1 && head.release === null && head.buf.length === SKB_SMALL) {
      this.whole.push(skb);
      return;
    }
    this.putHead(head);
    skb.head = NO_HEAD;
    this.bare.push(skb);
  }

  putHead(head: SkbHead): void {
    if (--head.refs !== 0) return;
    if (head.release !== null) head.release(head);
    else if (head.buf.length === SKB_SMALL) this.small.push(head);
    else if (head.buf.length === SKB_LARGE) this.large.push(head);
    else this.bytes -= head.buf.length;
  }

  private takeBare(net: Net, dev: NetDevice): SkBuff {
    const skb = this.bare.pop() ?? new SkBuff(net, dev);
    skb.users = 1;
    skb.net = net;
    skb.dev = dev;
    reset(skb);
    return skb;
  }
}

/**
 * A new, empty packet that can take `size` bytes behind `headroom` bytes (alloc_skb and skb_reserve in one).
 * All offsets stand at the headroom.
 */
export function allocSkb(net: Net, dev: NetDevice, size: number, headroom: number = NET_SKB_PAD): SkBuff {
  const skb = net.pool.take(net, dev, size + headroom);
  skb.data = headroom;
  skb.len = 0;
  skb.macHeader = headroom;
  skb.networkHeader = headroom;
  skb.transportHeader = headroom;
  return skb;
}

/** A packet over memory that the caller owns: a ring slot. `head.release` hears when the last packet lets go. */
export function buildSkb(net: Net, dev: NetDevice, head: SkbHead, data: number, len: number): SkBuff {
  const skb = net.pool.bind(net, dev, head);
  skb.data = data;
  skb.len = len;
  skb.macHeader = data;
  skb.networkHeader = data;
  skb.transportHeader = data;
  return skb;
}

export function skbHeadroom(skb: SkBuff): number {
  return skb.data;
}

export function skbTailroom(skb: SkBuff): number {
  return skb.head.buf.length - skb.data - skb.len;
}

/** Moves data forward without changing the length: only before anything was put in. */
export function skbReserve(skb: SkBuff, bytes: number): void {
  skb.data += bytes;
  skb.macHeader = skb.data;
  skb.networkHeader = skb.data;
  skb.transportHeader = skb.data;
}

/** Adds bytes in front; the caller has made sure of the headroom (see {@link skbCow}). Returns the new data offset. */
export function skbPush(skb: SkBuff, bytes: number): number {
  if (bytes > skb.data) throw new Error(`skbPush: ${bytes} bytes, headroom ${skb.data}`);
  skb.data -= bytes;
  skb.len += bytes;
  return skb.data;
}

/** Takes bytes off the front; the caller has checked the length. Returns the new data offset. */
export function skbPull(skb: SkBuff, bytes: number): number {
  skb.data += bytes;
  skb.len -= bytes;
  return skb.data;
}

/** Adds bytes at the end and returns the offset of the first one. */
export function skbPut(skb: SkBuff, bytes: number): number {
  const tail = skb.data + skb.len;
  if (tail + bytes > skb.head.buf.length) throw new Error(`skbPut: ${bytes} bytes, tailroom ${skbTailroom(skb)}`);
  skb.len += bytes;
  return tail;
}

/** Appends a copy of bytes. */
export function skbPutData(skb: SkBuff, bytes: Uint8Array): void {
  skb.head.buf.set(bytes, skbPut(skb, bytes.length));
}

/** Cuts the packet down to `len` bytes; longer than it is: no change. */
export function skbTrim(skb: SkBuff, len: number): void {
  if (len < skb.len) skb.len = len;
}

/** The packet's bytes, not copied: valid until the packet is passed on. Costs an allocation; not for the path. */
export function skbBytes(skb: SkBuff): Uint8Array {
  return skb.head.buf.subarray(skb.data, skb.data + skb.len);
}

/** Makes `to` what `from` is but for the router, the device and the bytes, which stay `to`'s own (skb_copy_header). */
export function skbCopyHeader(to: SkBuff, from: SkBuff): void {
  to.data = from.data;
  to.len = from.len;
  to.macHeader = from.macHeader;
  to.networkHeader = from.networkHeader;
  to.transportHeader = from.transportHeader;
  to.iif = from.iif;
  to.dst = from.dst;
  to.mark = from.mark;
  to.priority = from.priority;
  to.protocol = from.protocol;
  to.pktType = from.pktType;
  to.tstamp = from.tstamp;
  to.hash = from.hash;
  to.vlanTci = from.vlanTci;
  to.ipSummed = from.ipSummed;
  to.csumStart = from.csumStart;
  to.csumOffset = from.csumOffset;
  to.gsoSize = from.gsoSize;
  to.gsoType = from.gsoType;
  to.gsoSegs = from.gsoSegs;
  if (from.nfct !== null) from.nfct.use++;
  to.nfct = from.nfct;
  to.nfctinfo = from.nfctinfo;
  to.secPath = from.secPath;
  to.nfBridge = from.nfBridge;
  to.trace = from.trace;
  to.cb0 = from.cb0;
  to.cb1 = from.cb1;
  to.cb2 = from.cb2;
  to.cb3 = from.cb3;
  to.ext = from.ext === null ? null : from.ext.slice();
}

/** A second packet over the same bytes: neither may write before {@link skbMakeWritable} or {@link skbCow}. */
export function skbClone(skb: SkBuff): SkBuff {
  const clone = skb.net.pool.bind(skb.net, skb.dev, skb.head);
  skbCopyHeader(clone, skb);
  return clone;
}

/** A second packet with bytes of its own, and room for `headroom` in front. */
export function skbCopy(skb: SkBuff, headroom: number = skb.data): SkBuff {
  const copy = skb.net.pool.take(skb.net, skb.dev, headroom + skb.len);
  skbCopyHeader(copy, skb);
  copyInto(copy, skb, headroom);
  return copy;
}

/** Copies `from`'s bytes to `to.head` behind `headroom`, and moves `to`'s offsets along. */
function copyInto(to: SkBuff, from: SkBuff, headroom: number): void {
  const source = from.head.buf;
  const { data, len } = from;
  // What lies in front of data (the MAC header of a received packet) comes along as far as it fits.
  const front = Math.min(data, headroom);
  to.head.buf.set(source.subarray(data - front, data + len), headroom - front);
  const shift = headroom - data;
  to.data = headroom;
  to.macHeader += shift;
  to.networkHeader += shift;
  to.transportHeader += shift;
  to.csumStart += shift;
}

/** True when another packet shares the bytes. */
export function skbCloned(skb: SkBuff): boolean {
  return skb.head.refs !== 1;
}

/** After this the packet's bytes are its own, with at least `headroom` bytes in front (skb_cow). */
export function skbCow(skb: SkBuff, headroom: number): void {
  if (skb.head.refs === 1 && skb.data >= headroom) return;
  moveHead(skb, Math.max(headroom, NET_SKB_PAD), 0);
}

/** After this the packet's bytes are its own and may be written (skb_ensure_writable, skb_unclone). */
export function skbMakeWritable(skb: SkBuff): void {
  if (skb.head.refs !== 1) moveHead(skb, Math.max(skb.data, NET_SKB_PAD), 0);
}

/** After this there are at least `bytes` free behind the data, and the bytes are the packet's own. */
export function skbEnsureTailroom(skb: SkBuff, bytes: number): void {
  if (skb.head.refs === 1 && skbTailroom(skb) >= bytes) return;
  moveHead(skb, Math.max(skb.data, NET_SKB_PAD), bytes);
}

/**
 * Before anything holds a packet past its burst (ARP queue, reassembly, a cable): its bytes leave the driver's
 * memory, so that the ring slot goes back at once. A packet in the pool's memory stays as it is.
 */
export function skbOwn(skb: SkBuff): void {
  if (skb.head.release !== null) moveHead(skb, Math.max(skb.data, NET_SKB_PAD), 0);
}

function moveHead(skb: SkBuff, headroom: number, tailroom: number): void {
  const old = skb.head;
  const pool = skb.net.pool;
  const head = pool.takeHead(headroom + skb.len + tailroom);
  const { data, len } = skb;
  const front = Math.min(data, headroom);
  head.buf.set(old.buf.subarray(data - front, data + len), headroom - front);
  skb.head = head;
  const shift = headroom - data;
  skb.data = headroom;
  skb.macHeader += shift;
  skb.networkHeader += shift;
  skb.transportHeader += shift;
  skb.csumStart += shift;
  pool.putHead(old);
}

/** Joins the packets of `fragList` behind the data, so that the whole packet lies in one head. */
export function skbLinearize(skb: SkBuff): void {
  let total = 0;
  for (let f = skb.fragList; f !== null; f = f.next) total += f.len;
  if (total === 0) return;
  skbEnsureTailroom(skb, total);
  let fragment = skb.fragList;
  skb.fragList = null;
  while (fragment !== null) {
    const next = fragment.next;
    skb.head.buf.set(skbBytes(fragment), skbPut(skb, fragment.len));
    fragment.next = null;
    consumeSkb(fragment);
    fragment = next;
  }
}

/** Frees a packet that is not delivered, counts the reason, and ends its recorded walk with it. */
export function kfreeSkb(skb: SkBuff, reason: number): void {
  const net = skb.net;
  skb.dropReason = reason;
  net.drops[reason]++;
  if (skb.trace !== 0) net.tracer.dropped(skb, reason);
  release(skb);
}

/** Frees a packet that was used up: delivered, or handed to the wire. */
export function consumeSkb(skb: SkBuff): void {
  skb.dropReason = SKB_CONSUMED;
  release(skb);
}

function release(skb: SkBuff): void {
  if (skb.nfct !== null) nfResetCt(skb);
  let fragment = skb.fragList;
  if (fragment !== null) {
    skb.fragList = null;
    while (fragment !== null) {
      const next: SkBuff | null = fragment.next;
      fragment.next = null;
      release(fragment);
      fragment = next;
    }
  }
  skb.net.pool.give(skb);
}

/** Packets in a row (sk_buff_head): linked through `next`, so queueing allocates nothing. */
export class SkbQueue {
  head: SkBuff | null = null;
  private tail: SkBuff | null = null;
  length = 0;
  /** Bytes of all queued packets. */
  bytes = 0;

  push(skb: SkBuff): void {
    skb.next = null;
    if (this.tail === null) this.head = skb;
    else this.tail.next = skb;
    this.tail = skb;
    this.length++;
    this.bytes += skb.len;
  }

  shift(): SkBuff | null {
    const skb = this.head;
    if (skb === null) return null;
    this.head = skb.next;
    if (this.head === null) this.tail = null;
    skb.next = null;
    this.length--;
    this.bytes -= skb.len;
    return skb;
  }

  /** The packet queued last, left where it is; null when there is none. */
  peekTail(): SkBuff | null {
    return this.tail;
  }

  /** Frees all of them with one reason. */
  purge(reason: number): void {
    for (let skb = this.shift(); skb !== null; skb = this.shift()) kfreeSkb(skb, reason);
  }
}
