/**
 * ipset/extensions.ts — what a set keeps of its elements besides themselves: when they end, what they have counted, remarks,
 * and what they do to packets. Element i has place i of the arrays (cf. Linux include/linux/netfilter/ipset/ip_set.h).
 */

/** What a set keeps; decided when it is made. */
export interface Kept {
  /** Seconds that elements live unless told; null: they stay. */
  readonly timeout: number | null;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
}

/** What an element does to packets that `SET --map-set` finds it for. */
export interface SkbInfo {
  readonly mark: number;
  readonly mask: number;
  readonly priority: number;
  readonly queue: number;
}

/** What an element begins with. */
export interface ElementOptions {
  /** Seconds; 0 for ever, null for the set's own. */
  readonly timeout: number | null;
  readonly packets: number;
  readonly bytes: number;
  readonly comment: string;
  readonly info: SkbInfo | null;
  /** An exception: its packets do not match. */
  readonly nomatch: boolean;
}

export const NO_OPTIONS: ElementOptions = { timeout: null, packets: 0, bytes: 0, comment: '', info: null, nomatch: false };

/** How counters are compared. */
export const COUNT_ANY = 0;
export const COUNT_EQ = 1;
export const COUNT_NE = 2;
export const COUNT_LT = 3;
export const COUNT_GT = 4;

/** What a rule asks a set, and what it hears besides yes or no. */
export interface SetQuery {
  /** Bit i: part i of the element is the packet's source. */
  readonly sources: number;
  /** How many parts the rule speaks of. */
  readonly dimension: number;
  readonly returnNomatch: boolean;
  readonly skipCounters: boolean;
  readonly skipSubcounters: boolean;
  readonly packetsOp: number;
  readonly packets: number;
  readonly bytesOp: number;
  readonly bytes: number;
  /** What the members of a list are asked; null: the same. */
  readonly members: SetQuery | null;
  /** Of the element that was found. */
  info: SkbInfo | null;
}

const MS = 1000;

function compare(op: number, counted: number, value: number): boolean {
  switch (op) {
    case COUNT_EQ:
      return counted === value;
    case COUNT_NE:
      return counted !== value;
    case COUNT_LT:
      return counted < value;
    case COUNT_GT:
      return counted > value;
    default:
      return true;
  }
}

export class Extensions {
  readonly kept: Kept;
  /** Milliseconds; 0 never. */
  private expires = new Float64Array(0);
  private packets = new Float64Array(0);
  private bytes = new Float64Array(0);
  private readonly comments = new Map<number, string>();
  private readonly infos = new Map<number, SkbInfo>();

  constructor(kept: Kept) {
    this.kept = kept;
  }

  /** Makes room for elements 0 … size - 1. */
  grow(size: number): void {
    const grown = (values: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(size);
      next.set(values.subarray(0, size));
      return next;
    };
    if (this.kept.timeout !== null) this.expires = grown(this.expires);
    if (this.kept.counters) {
      this.packets = grown(this.packets);
      this.bytes = grown(this.bytes);
    }
  }

  write(i: number, options: ElementOptions, now: number): void {
    const { timeout, counters, comment, skbinfo } = this.kept;
    if (timeout !== null) {
      const seconds = options.timeout ?? timeout;
      this.expires[i] = seconds === 0 ? 0 : now + seconds * MS;
    }
    if (counters) {
      this.packets[i] = options.packets;
      this.bytes[i] = options.bytes;
    }
    if (comment) {
      if (options.comment === '') this.comments.delete(i);
      else this.comments.set(i, options.comment);
    }
    if (skbinfo) {
      if (options.info === null) this.infos.delete(i);
      else this.infos.set(i, options.info);
    }
  }

  forget(i: number): void {
    this.comments.delete(i);
    this.infos.delete(i);
  }

  /** Element `from` is now element `to`. */
  move(from: number, to: number): void {
    if (this.kept.timeout !== null) this.expires[to] = this.expires[from];
    if (this.kept.counters) {
      this.packets[to] = this.packets[from];
      this.bytes[to] = this.bytes[from];
    }
    for (const values of [this.comments, this.infos] as Map<number, unknown>[]) {
      const value = values.get(from);
      values.delete(from);
      values.delete(to);
      if (value !== undefined) values.set(to, value);
    }
  }

  hasEnded(i: number, now: number): boolean {
    return this.kept.timeout !== null && this.expires[i] !== 0 && this.expires[i] <= now;
  }

  /** A packet of `length` bytes has met element `i`: counts it, and says whether the rule's own conditions hold. */
  matches(i: number, length: number, query: SetQuery): boolean {
    if (this.kept.counters) {
      if (!query.skipCounters) {
        this.packets[i]++;
        this.bytes[i] += length;
      }
      if (!compare(query.packetsOp, this.packets[i], query.packets) || !compare(query.bytesOp, this.bytes[i], query.bytes)) return false;
    }
    if (this.kept.skbinfo) query.info = this.infos.get(i) ?? null;
    return true;
  }

  /** As it is listed, each word behind a blank; `nomatch` stands behind the time. */
  words(i: number, nomatch: boolean, now: number): string {
    const { timeout, counters } = this.kept;
    const left = timeout === null ? 0 : this.expires[i] === 0 ? 0 : Math.max(Math.floor((this.expires[i] - now) / MS), 1);
    const comment = this.comments.get(i);
    return [
      timeout === null ? '' : ` timeout ${left}`,
      nomatch ? ' nomatch' : '',
      counters ? ` packets ${this.packets[i]} bytes ${this.bytes[i]}` : '',
      comment === undefined ? '' : ` comment "${comment}"`,
      infoWords(this.infos.get(i)),
    ].join('');
  }
}

function infoWords(info: SkbInfo | undefined): string {
  if (info === undefined) return '';
  const { mark, mask, priority, queue } = info;
  const hex = (value: number): string => (value >>> 0).toString(16);
  return [
    mark === 0 && mask === 0 ? '' : ` skbmark 0x${hex(mark)}${mask === -1 ? '' : `/0x${hex(mask)}`}`,
    priority === 0 ? '' : ` skbprio ${hex(priority >>> 16)}:${hex(priority & 0xffff)}`,
    queue === 0 ? '' : ` skbqueue ${queue}`,
  ].join('');
}
