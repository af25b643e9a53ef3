/**
 * nf-conntrack.ts — the connections of one router: finding, making, ending them (cf. Linux net/netfilter/nf_conntrack_core.c).
 * A packet holds its connection, and so does the table from the moment the first packet has got through (nf-confirm.ts).
 */
import {
  type Connection,
  type Conntrack,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_IS_REPLY,
  IP_CT_RELATED,
  IP_CT_RELATED_REPLY,
  IPPROTO_TCP,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_FIXED_TIMEOUT,
  IPS_SRC_NAT_DONE,
  IPS_TEMPLATE,
  type Log,
  type Net,
  type Nfct,
  nfCtSet,
  type SkBuff,
  type Softirq,
} from '@packetwalk/framework';
import { ConnAcct } from './acct.ts';
import { ConnPool } from './conn-pool.ts';
import { earlyDrop } from './early-drop.ts';
import { IPCT_DESTROY } from './events.ts';
import { type Expectation, Expectations } from './expectation.ts';
import type { FtpEndpoint } from './ftp-command.ts';
import { ConntrackGc } from './gc.ts';
import {
  CT_DST,
  CT_EVENT_SHIFT,
  CT_EXPIRES,
  CT_ID,
  CT_KEY,
  CT_PORTS,
  CT_SRC,
  CT_STATUS,
  CT_TUPLE,
  CT_ZONE,
  type NfConn,
  ZONE_DEFAULT,
  zoneId,
} from './nf-conn.ts';
import type { Helper } from './nf-conntrack-helper.ts';
import { tcpForgetWindows, tcpSetClosing } from './proto-tcp.ts';
import { RateLimit } from './ratelimit.ts';
import { ConntrackSettings } from './settings.ts';
import { CT_STAT_CHAIN_TOO_LONG, CT_STAT_EARLY_DROP } from './stat.ts';
import type { Tuple } from './tuple.ts';
import { TupleHash } from './tuple-hash.ts';
import { CT_INVALID } from './verdict.ts';

/** Where an end is translated to. */
export interface NatEnd {
  readonly address: number | null;
  readonly port: number | null;
}

/** What NAT does for tracking (nf_nat_hook). */
export interface NatPart {
  /** The connection, whose source was chosen, ends. */
  forgetSource(ct: NfConn): void;
  /** A segment at `th` announces an endpoint: translates it and adds the expectation; an NF_* verdict. */
  ftp(skb: SkBuff, dir: number, th: number, endpoint: FtpEndpoint, expectation: Expectation): number;
  /** The expected answer will be translated as the request was. */
  tftp(expectation: Expectation): void;
  /** Translates the ends of a connection that a command makes. Null: that end stays; its address or port null: that stays. */
  setup(ct: NfConn, source: NatEnd | null, destination: NatEnd | null): void;
}

/** Everything that a direction's reference tells apart counts. */
const BOTH = (1 << IP_CT_DIR_ORIGINAL) | (1 << IP_CT_DIR_REPLY);

export class NfConntrack implements Conntrack {
  readonly net: Net;
  readonly log: Log;
  readonly settings: ConntrackSettings = new ConntrackSettings();
  /** CT_STAT_* */
  readonly stat: Float64Array;
  readonly pool: ConnPool = new ConnPool();
  readonly acct: ConnAcct = new ConnAcct();
  readonly expectations: Expectations;
  readonly helpers: Map<string, Helper> = new Map();
  readonly logLimit: RateLimit = new RateLimit();
  nat: NatPart | null = null;
  /** Connections, those that are not confirmed included. */
  count = 0;
  private readonly softirq: Softirq;
  private readonly table: TupleHash;
  private readonly gc: ConntrackGc;
  private readonly hooks: () => () => void;
  private users = 0;
  private removeHooks: () => void = () => {};

  /** @param hooks registers the hooks and returns how to take them away again */
  constructor(net: Net, log: Log, stat: Float64Array, hooks: () => () => void) {
    this.net = net;
    this.softirq = net.softirq;
    this.log = log;
    this.stat = stat;
    this.hooks = hooks;
    this.table = new TupleHash(this.pool, net.softirq.random);
    this.expectations = new Expectations(this);
    this.gc = new ConntrackGc(this);
  }

  /** The time as rows have it, ms mod 2^32. */
  get now(): number {
    return this.softirq.jiffies | 0;
  }

  /** Bytes that the table takes; rows and objects of connections come on top. */
  get tableMemory(): number {
    return this.table.memory;
  }

  require(): () => void {
    if (++this.users === 1) {
      this.removeHooks = this.hooks();
      this.forEach(tcpForgetWindows);
    }
    let undone = false;
    return () => {
      if (undone) return;
      undone = true;
      if (--this.users === 0) this.removeHooks();
    };
  }

  connection(skb: SkBuff): Connection | null {
    const ct = skb.nfct as NfConn | null;
    return ct === null || ct.isTemplate ? null : ct;
  }

  attach(made: SkBuff, cause: SkBuff): void {
    const ct = cause.nfct as NfConn | null;
    if (ct === null || ct.isTemplate) return;
    nfCtSet(made, ct, cause.nfctinfo >= IP_CT_IS_REPLY ? IP_CT_RELATED : IP_CT_RELATED_REPLY);
  }

  setClosing(skb: SkBuff): void {
    const ct = skb.nfct as NfConn | null;
    if (ct !== null && ct.protocol === IPPROTO_TCP) tcpSetClosing(this, ct);
  }

  /** The connection of a reference (id + 1 << 1 | direction). */
  conn(ref: number): NfConn {
    return this.pool.conns[(ref >>> 1) - 1];
  }

  /** Reference of the connection that a packet with these ends belongs to in `zone`, 0 when there is none (nf_conntrack_find_get). */
  find(tuple: Tuple, zone: number): number {
    const { src, dst, ports } = tuple;
    const protocol = tuple.key & 0xff;
    if (zone === ZONE_DEFAULT) return this.findLive(src, dst, ports, protocol, BOTH);
    const original = zoneId(zone, IP_CT_DIR_ORIGINAL);
    const reply = zoneId(zone, IP_CT_DIR_REPLY);
    if (original === reply) return this.findLive(src, dst, ports, protocol | (original << 8), BOTH);
    const ref = this.findLive(src, dst, ports, protocol | (original << 8), 1 << IP_CT_DIR_ORIGINAL);
    return ref !== 0 ? ref : this.findLive(src, dst, ports, protocol | (reply << 8), 1 << IP_CT_DIR_REPLY);
  }

  /** The same with the key as it stands in rows, zone included. One whose time is over ends here. */
  findLive(src: number, dst: number, ports: number, key: number, dirs: number): number {
    for (;;) {
      const ref = this.table.find(src, dst, ports, key, dirs);
      if (ref === 0) return 0;
      const ct = this.conn(ref);
      if (((ct.words[ct.base + CT_EXPIRES] - this.now) | 0) > 0) return ref;
      this.delete(ct);
    }
  }

  /**
   * A new connection between these ends that nobody holds yet, or null when there are too many (__nf_conntrack_alloc).
   * @param reply the other direction, untranslated
   */
  alloc(original: Tuple, reply: Tuple, zone: number): NfConn | null {
    const { settings } = this;
    this.count++;
    if (settings.max !== 0 && this.count > settings.max) {
      const dropped = earlyDrop(this, this.table, original, zone);
      this.stat[CT_STAT_EARLY_DROP] += dropped;
      if (dropped === 0) {
        this.gc.underPressure();
        this.count--;
        this.logLimited('nf_conntrack: table full, dropping packet');
        return null;
      }
    }
    const ct = this.pool.take();
    const { words, base } = ct;
    words[base + CT_SRC] = original.src;
    words[base + CT_DST] = original.dst;
    words[base + CT_PORTS] = original.ports;
    words[base + CT_KEY] = (original.key & 0xff) | (zoneId(zone, IP_CT_DIR_ORIGINAL) << 8);
    words[base + CT_TUPLE + CT_SRC] = reply.src;
    words[base + CT_TUPLE + CT_DST] = reply.dst;
    words[base + CT_TUPLE + CT_PORTS] = reply.ports;
    words[base + CT_TUPLE + CT_KEY] = (original.key & 0xff) | (zoneId(zone, IP_CT_DIR_REPLY) << 8);
    words[base + CT_ZONE] = zone;
    this.acct.begin(words[base + CT_ID], settings.acct !== 0, settings.timestamp !== 0);
    return ct;
  }

  /** A template for the CT target, held once (nf_ct_tmpl_alloc). */
  allocTemplate(zone: number): NfConn {
    const ct = this.pool.take();
    ct.words[ct.base + CT_STATUS] = IPS_TEMPLATE;
    ct.words[ct.base + CT_ZONE] = zone;
    ct.use = 1;
    return ct;
  }

  /** The translation of the replies has changed (nf_conntrack_alter_reply); only before it is confirmed. */
  alterReply(ct: NfConn, reply: Tuple): void {
    const { words, base } = ct;
    words[base + CT_TUPLE + CT_SRC] = reply.src;
    words[base + CT_TUPLE + CT_DST] = reply.dst;
    words[base + CT_TUPLE + CT_PORTS] = reply.ports;
  }

  /** Puts directions of a connection (bit 1 << dir) into the table, which holds it from now on. False: there is no room. */
  insert(ct: NfConn, dirs: number = BOTH): boolean {
    const id = ct.id + 1;
    if ((dirs & 1) !== 0 && !this.table.insert(this.hashOf(ct, 0), id << 1)) return this.noRoom();
    if ((dirs & 2) !== 0 && !this.table.insert(this.hashOf(ct, 1), (id << 1) | 1)) {
      if ((dirs & 1) !== 0) this.table.remove(this.hashOf(ct, 0), id << 1);
      return this.noRoom();
    }
    ct.use++;
    if (this.acct.timed(ct.id)) this.acct.start(ct.id, this.softirq.clock.wallClock());
    ct.setStatus(IPS_CONFIRMED);
    this.gc.start();
    return true;
  }

  private noRoom(): false {
    this.stat[CT_STAT_CHAIN_TOO_LONG]++;
    return false;
  }

  private hashOf(ct: NfConn, dir: number): number {
    const { words, base } = ct;
    const at = base + dir * CT_TUPLE;
    return this.table.hash(words[at + CT_SRC], words[at + CT_DST], words[at + CT_PORTS], words[at + CT_KEY]);
  }

  /** Ends a connection that is in the table; false when it has ended already (nf_ct_delete). */
  delete(ct: NfConn): boolean {
    if ((ct.words[ct.base + CT_STATUS] & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) return false;
    ct.setStatus(IPS_DYING);
    if (this.acct.timed(ct.id)) {
      // It ended when its time was over, not when that was noticed.
      const late = Math.max(0, (this.now - ct.words[ct.base + CT_EXPIRES]) | 0);
      this.acct.stop(ct.id, this.softirq.clock.wallClock() - late);
    }
    this.report('destroy', ct, IPCT_DESTROY);
    const id = ct.id + 1;
    this.table.remove(this.hashOf(ct, 0), id << 1);
    this.table.remove(this.hashOf(ct, 1), (id << 1) | 1);
    if (ct.ext !== null) this.expectations.removeOf(ct);
    this.put(ct);
    return true;
  }

  /** One holder less. */
  put(ct: NfConn): void {
    if (--ct.use === 0) this.destroy(ct);
  }

  destroy(nfct: Nfct): void {
    const ct = nfct as NfConn;
    const { ext } = ct;
    if (ext !== null) {
      this.expectations.removeOf(ct);
      if (ext.master !== null) this.put(ext.master);
    }
    const status = ct.words[ct.base + CT_STATUS];
    if ((status & IPS_SRC_NAT_DONE) !== 0) this.nat?.forgetSource(ct);
    this.pool.give(ct);
    if ((status & IPS_TEMPLATE) === 0) this.count--;
  }

  /** The connection lives for `timeout` ms from now on, and the packet is counted (nf_ct_refresh_acct). */
  refresh(ct: NfConn, dir: number, skb: SkBuff, timeout: number): void {
    const { words, base } = ct;
    const status = words[base + CT_STATUS];
    if ((status & IPS_FIXED_TIMEOUT) === 0)
      words[base + CT_EXPIRES] = (status & IPS_CONFIRMED) !== 0 ? this.softirq.jiffies + timeout : timeout;
    this.acct.add(words[base + CT_ID], dir, skb.len);
  }

  /** Counts a packet that does not prolong the connection. */
  account(ct: NfConn, dir: number, skb: SkBuff): void {
    this.acct.add(ct.id, dir, skb.len);
  }

  /** Notes that something of the connection has changed, to be told when the packet is done with (nf_conntrack_event_cache). */
  eventCache(ct: NfConn, event: number): void {
    if (this.listening(ct, event)) ct.words[ct.base + CT_STATUS] |= event << CT_EVENT_SHIFT;
  }

  /** Tells at once what has happened to a connection (nf_conntrack_eventmask_report). */
  report(what: 'new' | 'update' | 'destroy', ct: NfConn, events: number): void {
    if (this.listening(ct, events)) this.net.notifier.emit('conntrack:event', what, ct, events);
  }

  private listening(ct: NfConn, event: number): boolean {
    const { events } = this.settings;
    if (events === 0 || (events === 2 && this.net.notifier.listenerCount('conntrack:event') === 0)) return false;
    const mask = ct.ext?.eventMask ?? null;
    return mask === null || (mask & event) !== 0;
  }

  /** Calls `visit` for each connection in the table that lives, by rising id. */
  forEach(visit: (ct: NfConn) => void): void {
    const { conns } = this.pool;
    for (let id = 0; id < conns.length; id++) if (this.lives(conns[id])) visit(conns[id]);
  }

  /** Ends every connection that `which` says yes to; returns how many (nf_ct_iterate_cleanup). */
  deleteWhere(which: (ct: NfConn) => boolean): number {
    let deleted = 0;
    this.forEach((ct) => {
      if (which(ct) && this.delete(ct)) deleted++;
    });
    return deleted;
  }

  private lives(ct: NfConn): boolean {
    const status = ct.words[ct.base + CT_STATUS];
    return (status & (IPS_CONFIRMED | IPS_DYING)) === IPS_CONFIRMED && ct.expiresIn(this.now) > 0;
  }

  /** The packet is not valid: counted by the caller, told in walks and as nf_conntrack_log_invalid says. */
  invalid(skb: SkBuff, protocol: number, why: string): number {
    this.logPacket(skb, protocol, why);
    return CT_INVALID;
  }

  logPacket(skb: SkBuff, protocol: number, why: string): void {
    if (skb.trace !== 0) skb.net.tracer.stage(skb, 'nfConntrackIn', why);
    const { logInvalid } = this.settings;
    if (logInvalid !== 0 && (logInvalid === protocol || logInvalid === 255)) this.logLimited(`nf_ct_proto_${protocol}: ${why}`);
  }

  logLimited(text: string): void {
    if (this.logLimit.allows(this.softirq.jiffies)) this.log.warn(text);
  }

  /** The plugin goes: no hooks, no timers, no connections. */
  dispose(): void {
    this.gc.stop();
    if (this.users > 0) this.removeHooks();
    this.users = 0;
    this.deleteWhere(() => true);
  }
}
