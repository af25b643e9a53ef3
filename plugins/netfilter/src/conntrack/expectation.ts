/**
 * expectation.ts — connections that are expected because of another one (cf. Linux net/netfilter/nf_conntrack_expect.c): an FTP
 * server's data connection, say. The first packet that fits takes the expectation with it.
 */
import { IP_CT_DIR_ORIGINAL, Timer } from '@packetwalk/framework';
import { EALREADY, EBUSY, EMFILE, ESHUTDOWN } from './errno.ts';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import type { Helper } from './nf-conntrack-helper.ts';
import { CT_STAT_EXPECT_CREATE, CT_STAT_EXPECT_DELETE } from './stat.ts';
import { Tuple, ZONE_MAX } from './tuple.ts';

/** The expectation stays when a connection has come. */
export const EXPECT_PERMANENT = 1;
/** It does not count yet. */
export const EXPECT_INACTIVE = 2;
/** A command has made it. */
export const EXPECT_USERSPACE = 4;

export class Expectation {
  /** What the first packet looks like; source address and port as far as their masks say. */
  readonly tuple: Tuple = new Tuple();
  srcMask = 0;
  sportMask = 0;
  readonly master: NfConn;
  /** The helper that the connection gets. */
  helper: Helper | null = null;
  /** EXPECT_* */
  flags = 0;
  /** Prepares the connection when it comes: NAT as the master has it. */
  expected: ((ct: NfConn, expectation: Expectation) => void) | null = null;
  /** What NAT has changed: the port before, and the direction that the connection follows. */
  savedPort = 0;
  dir: number = IP_CT_DIR_ORIGINAL;
  /** It expires; set while it is in the table. */
  readonly timer: Timer;

  constructor(nct: NfConntrack, master: NfConn) {
    this.master = master;
    this.timer = new Timer('netfilter', () => nct.expectations.remove(this));
  }

  /** The ends as the packet has them; `sport` null: any port. */
  init(src: number, dst: number, protocol: number, sport: number | null, dport: number): void {
    const { tuple } = this;
    tuple.src = src;
    tuple.dst = dst;
    tuple.ports = ((sport ?? 0) << 16) | dport;
    tuple.key = protocol;
    this.srcMask = -1;
    this.sportMask = sport === null ? 0 : 0xffff;
  }

  /** Would it take a packet that looks like `tuple`, under these masks? */
  fits(tuple: Tuple, srcMask: number = this.srcMask, sportMask: number = this.sportMask): boolean {
    const own = this.tuple;
    return (
      own.dst === tuple.dst &&
      own.dport === tuple.dport &&
      own.protocol === tuple.protocol &&
      ((own.src ^ tuple.src) & srcMask) === 0 &&
      ((own.sport ^ tuple.sport) & sportMask) === 0
    );
  }
}

/** Whatever directions they count for. */
function sameZone(a: number, b: number): boolean {
  return (a & ZONE_MAX) === (b & ZONE_MAX);
}

/** Where an expectation is looked for: by destination, port and protocol. */
function bucketOf(tuple: Tuple): string {
  return `${tuple.dst}:${tuple.dport}/${tuple.protocol}`;
}

/** All expectations of a router. */
export class Expectations {
  private readonly nct: NfConntrack;
  private readonly buckets = new Map<string, Expectation[]>();
  /** New connections are looked up here only when it is not 0. */
  count = 0;

  constructor(nct: NfConntrack) {
    this.nct = nct;
  }

  all(): Expectation[] {
    return [...this.buckets.values()].flat();
  }

  /** The expectation that a packet fulfils, taken out unless it is permanent; null when there is none (nf_ct_find_expectation). */
  take(tuple: Tuple, zone: number): Expectation | null {
    if (this.count === 0) return null;
    const found = this.buckets
      .get(bucketOf(tuple))
      ?.find((e) => (e.flags & EXPECT_INACTIVE) === 0 && e.fits(tuple) && sameZone(e.master.zone, zone));
    // Nobody can know of it before the packet that announces it has left.
    if (found === undefined || !found.master.confirmed || found.master.dying) return null;
    if ((found.flags & EXPECT_PERMANENT) === 0) this.remove(found);
    return found;
  }

  /** Adds an expectation; 0, or a negative errno when another one stands in its way (nf_ct_expect_related). */
  add(expectation: Expectation): number {
    const { nct } = this;
    const { master } = expectation;
    const { ext } = master;
    const helper = ext?.helper ?? null;
    if (ext === null) return -ESHUTDOWN;
    for (const other of this.buckets.get(bucketOf(expectation.tuple)) ?? []) {
      if (!sameZone(other.master.zone, master.zone)) continue;
      const same =
        other.tuple.equals(expectation.tuple) && other.srcMask === expectation.srcMask && other.sportMask === expectation.sportMask;
      if (same) {
        if (other.master !== master) return -EALREADY;
        // The announcement was repeated.
        this.remove(other);
        break;
      }
      if (other.fits(expectation.tuple, other.srcMask & expectation.srcMask, other.sportMask & expectation.sportMask)) return -EBUSY;
    }
    if (helper !== null && helper.maxExpected > 0 && ext.expectations.length >= helper.maxExpected) {
      this.remove(ext.expectations[ext.expectations.length - 1]);
    }
    if (this.count >= nct.settings.expectMax) {
      nct.logLimited('nf_conntrack: expectation table full');
      return -EMFILE;
    }
    this.insert(expectation, helper);
    return 0;
  }

  private insert(expectation: Expectation, helper: Helper | null): void {
    const { nct } = this;
    const key = bucketOf(expectation.tuple);
    const bucket = this.buckets.get(key);
    if (bucket === undefined) this.buckets.set(key, [expectation]);
    else bucket.unshift(expectation);
    expectation.master.needExt().expectations.unshift(expectation);
    this.count++;
    if (helper !== null) nct.net.softirq.modTimer(expectation.timer, helper.timeout);
    nct.stat[CT_STAT_EXPECT_CREATE]++;
    nct.net.notifier.emit('conntrack:expect', 'new', expectation);
  }

  /** Takes an expectation out; nothing when it is out already. */
  remove(expectation: Expectation): void {
    const key = bucketOf(expectation.tuple);
    const bucket = this.buckets.get(key);
    if (bucket === undefined || !bucket.includes(expectation)) return;
    if (bucket.length === 1) this.buckets.delete(key);
    else bucket.splice(bucket.indexOf(expectation), 1);
    this.count--;
    const { ext } = expectation.master;
    if (ext !== null) ext.expectations = ext.expectations.filter((e) => e !== expectation);
    const { nct } = this;
    nct.stat[CT_STAT_EXPECT_DELETE]++;
    nct.net.notifier.emit('conntrack:expect', 'destroy', expectation);
    nct.net.softirq.delTimer(expectation.timer);
  }

  /** The connection ends: nothing is expected because of it any more. */
  removeOf(master: NfConn): void {
    while (master.ext !== null && master.ext.expectations.length > 0) this.remove(master.ext.expectations[0]);
  }
}
