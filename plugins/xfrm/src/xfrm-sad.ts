/**
 * xfrm-sad.ts — the security association database (RFC 4301 §4.4.2; cf. Linux net/xfrm/xfrm_state.c): states by destination,
 * SPI and protocol for packets that come in, by addresses and reqid for those that go out.
 */
import { CommandError, IPPROTO_COMP, IPPROTO_IPIP, type Softirq } from '@packetwalk/framework';
import { HashTable } from './hash-table.ts';
import { NEVER } from './xfrm-lifetime.ts';
import type { XfrmTemplate } from './xfrm-policy.ts';
import { selectorMatch, type XfrmFlow } from './xfrm-selector.ts';
import { ipipState, type XfrmState } from './xfrm-state.ts';

/** Hears what happens to states: monitors, and one day a key daemon. */
export interface SadEvents {
  /** A limit was reached; `hard`: the state is gone. */
  expired(state: XfrmState, hard: boolean): void;
}

/** The newest is in front, as the kernel has it. */
const inFront = (): boolean => true;

/** Tag of states for packets of any mark. */
const UNMARKED = 1;

/** Tag of states that any packet of a template for this protocol and mode may use. */
function pathTag(proto: number, mode: 'transport' | 'tunnel'): number {
  return 2 * (proto & 0x7f) + (mode === 'tunnel' ? 1 : 0);
}

/** The tag of a state; 0: it has to be looked at. */
function tagOf({ protocol, mode, markMask, markValue, ifId, sends, anything, kmState }: XfrmState): number {
  const simple = (markMask | markValue | ifId) === 0 && sends && anything && kmState === 'valid';
  return simple ? pathTag(protocol, mode) : 0;
}

/** Is it a tunnel of IPComp that works? Then another state takes what it does not compress. */
function compressesTunnel({ protocol, tunnel, type }: XfrmState): boolean {
  return protocol === IPPROTO_COMP && tunnel && type !== null;
}

export class Sad {
  private readonly bySpi: HashTable<XfrmState> = new HashTable();
  private readonly byPath: HashTable<XfrmState> = new HashTable();
  private readonly all = new Set<XfrmState>();
  private readonly softirq: Softirq;
  events: SadEvents = { expired: () => {} };
  /** Rises when bundles may hold a state that is not the best any more. */
  genid = 0;

  constructor(softirq: Softirq) {
    this.softirq = softirq;
  }

  /** Buckets of the kernel's table, which grows with its states; this one has its own ways. */
  buckets = 8;

  get size(): number {
    return this.all.size;
  }

  /** The state of a packet that came in; null: there is none (xfrm_state_lookup). */
  lookup(mark: number, daddr: number, spi: number, proto: number): XfrmState | null {
    const { bySpi } = this;
    for (let e = bySpi.first(daddr, spi, proto); e >= 0; e = bySpi.next(e)) {
      const state = bySpi.value(e);
      if (bySpi.tag(e) === UNMARKED || (mark & state.markMask) === state.markValue) return state;
    }
    return null;
  }

  /** The best state for a template and a flow; null: there is none (xfrm_state_find). */
  find(daddr: number, saddr: number, flow: XfrmFlow, tmpl: XfrmTemplate, ifId: number): XfrmState | null {
    const best = this.bestOf(daddr, saddr, flow, tmpl, ifId);
    return best !== null || saddr === 0 ? best : this.bestOf(daddr, 0, flow, tmpl, ifId);
  }

  private bestOf(daddr: number, saddr: number, flow: XfrmFlow, tmpl: XfrmTemplate, ifId: number): XfrmState | null {
    const { byPath } = this;
    let best: XfrmState | null = null;
    const first = byPath.first(daddr, saddr, tmpl.reqid);
    if (first < 0) return null;
    // One state, which takes whatever is for it.
    if (byPath.tag(first) === pathTag(tmpl.proto, tmpl.mode) && (tmpl.spi | ifId) === 0 && byPath.next(first) < 0)
      return byPath.value(first);
    for (let e = first; e >= 0; e = byPath.next(e)) {
      const x = byPath.value(e);
      if (x.mode !== tmpl.mode || x.protocol !== tmpl.proto) continue;
      if (tmpl.spi !== 0 && tmpl.spi !== x.spi) continue;
      if ((flow.mark & x.markMask) !== x.markValue || x.ifId !== ifId || !x.sends || x.kmState !== 'valid') continue;
      if (!x.anything && !selectorMatch(x.config.sel, flow)) continue;
      if (best === null || (best.dying && !x.dying) || (best.dying === x.dying && best.curlft.addTime < x.curlft.addTime)) best = x;
    }
    return best;
  }

  add(state: XfrmState): void {
    const { value, mask } = state.config.mark;
    if (this.lookup(value & mask, state.daddr, state.spi, state.protocol) !== null) {
      throw new CommandError('RTNETLINK answers: File exists', 2);
    }
    if (compressesTunnel(state)) this.attachTunnel(state);
    this.all.add(state);
    // One without an SPI is no packet's.
    if (state.spi !== 0) this.bySpi.add(state.daddr, state.spi, state.protocol, state, (value | mask) === 0 ? UNMARKED : 0, inFront);
    this.byPath.add(state.daddr, state.saddr, state.reqid, state, tagOf(state), inFront);
    this.begin(state);
  }

  /** The state beside a tunnel of IPComp that takes what was not compressed; many share one (ipcomp_tunnel_attach). */
  private attachTunnel(state: XfrmState): void {
    let ipip = this.lookup(state.config.mark.value, state.daddr, state.saddr, IPPROTO_IPIP);
    if (ipip === null) {
      ipip = ipipState(state);
      this.add(ipip);
    }
    ipip.tunnelUsers++;
  }

  private detachTunnel(state: XfrmState): void {
    const ipip = this.lookup(state.config.mark.value, state.daddr, state.saddr, IPPROTO_IPIP);
    if (ipip !== null && --ipip.tunnelUsers === 0) this.remove(ipip);
  }

  /** Puts in a state that waits for its keys and has no SPI yet: it is found by its addresses only. */
  addLarval(state: XfrmState): void {
    this.all.add(state);
    this.byPath.add(state.daddr, state.saddr, state.reqid, state, 0, inFront);
    this.begin(state);
  }

  /** The larval state for a template's place, null when nobody waits there (__find_acq_core). */
  larval(daddr: number, saddr: number, { reqid, mode, protocol }: Pick<XfrmState, 'reqid' | 'mode' | 'protocol'>): XfrmState | null {
    const { byPath } = this;
    for (let e = byPath.first(daddr, saddr, reqid); e >= 0; e = byPath.next(e)) {
      const x = byPath.value(e);
      if (x.kmState === 'acq' && x.mode === mode && x.protocol === protocol) return x;
    }
    return null;
  }

  /** Its time begins. */
  private begin(state: XfrmState): void {
    if (this.all.size >= this.buckets) this.buckets *= 2;
    state.curlft.addTime = this.softirq.clock.wallClock();
    state.timer.fire = () => this.timerFired(state);
    this.armTimer(state);
    this.genid++;
  }

  /** Takes a state out and clears its keys. */
  remove(state: XfrmState): void {
    if (!this.all.delete(state)) return;
    this.bySpi.remove(state.daddr, state.spi, state.protocol, state);
    this.byPath.remove(state.daddr, state.saddr, state.reqid, state);
    this.softirq.timers.del(state.timer);
    state.destroy();
    this.genid++;
    if (compressesTunnel(state)) this.detachTunnel(state);
  }

  /** All states, the newest first. */
  list(): XfrmState[] {
    return [...this.all].reverse();
  }

  /**
   * Before a packet uses a state: has it packets and octets left? False: its hard limit is reached, it will be gone
   * (xfrm_state_check_expire).
   */
  checkExpire(state: XfrmState): boolean {
    const { curlft, limits } = state;
    if (curlft.useTime === NEVER) {
      curlft.useTime = this.softirq.clock.wallClock();
      if (limits.softUse !== 0 || limits.hardUse !== 0) this.armTimer(state);
    }
    if (curlft.bytes >= limits.hardBytes || curlft.packets >= limits.hardPackets) {
      this.expire(state);
      this.softirq.timers.mod(state.timer, this.softirq.jiffies);
      return false;
    }
    if (!state.dying && (curlft.bytes >= limits.softBytes || curlft.packets >= limits.softPackets)) {
      state.dying = true;
      this.events.expired(state, false);
    }
    return true;
  }

  private expire(state: XfrmState): void {
    state.kmState = 'expired';
    this.byPath.setTag(state.daddr, state.saddr, state.reqid, state, 0);
  }

  /** New limits, by `ip xfrm state update`. */
  setLimits(state: XfrmState, limits: XfrmState['limits']): void {
    state.limits = limits;
    this.armTimer(state);
  }

  /** Sets the timer for the next limit in seconds. */
  private armTimer(state: XfrmState): void {
    const { limits, curlft, dying } = state;
    let at = Number.POSITIVE_INFINITY;
    const consider = (from: number, seconds: number): void => {
      if (seconds !== 0 && from !== NEVER) at = Math.min(at, from + seconds * 1000);
    };
    consider(curlft.addTime, limits.hardAdd);
    consider(curlft.useTime, limits.hardUse);
    if (!dying) {
      consider(curlft.addTime, limits.softAdd);
      consider(curlft.useTime, limits.softUse);
    }
    if (at === Number.POSITIVE_INFINITY) this.softirq.timers.del(state.timer);
    else this.softirq.timers.mod(state.timer, this.softirq.jiffies + Math.max(0, at - this.softirq.clock.wallClock()));
  }

  private timerFired(state: XfrmState): void {
    const now = this.softirq.clock.wallClock();
    const { limits, curlft } = state;
    const reached = (from: number, seconds: number): boolean => seconds !== 0 && from !== NEVER && now >= from + seconds * 1000;
    if (state.kmState === 'expired' || reached(curlft.addTime, limits.hardAdd) || reached(curlft.useTime, limits.hardUse)) {
      this.expire(state);
      this.events.expired(state, true);
      this.remove(state);
      return;
    }
    if (!state.dying && (reached(curlft.addTime, limits.softAdd) || reached(curlft.useTime, limits.softUse))) {
      state.dying = true;
      this.genid++;
      this.events.expired(state, false);
    }
    this.armTimer(state);
  }
}
