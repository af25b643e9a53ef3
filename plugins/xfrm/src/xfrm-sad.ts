/**
 * xfrm-sad.ts — the security association database (RFC 4301 §4.4.2; cf. Linux net/xfrm/xfrm_state.c): states by destination,
 * SPI and protocol for packets that come in, by addresses and reqid for those that go out.
 */
import { CommandError, type Softirq } from '@packetwalk/framework';
import { NEVER } from './xfrm-lifetime.ts';
import type { XfrmTemplate } from './xfrm-policy.ts';
import { selectorMatch, type XfrmFlow } from './xfrm-selector.ts';
import { XFRM_STATE_WILDRECV, type XfrmState } from './xfrm-state.ts';

/** Hears what happens to states: monitors, and one day a key daemon. */
export interface SadEvents {
  /** A limit was reached; `hard`: the state is gone. */
  expired(state: XfrmState, hard: boolean): void;
}

function spiKey(daddr: number, spi: number, proto: number): number {
  const h = Math.imul(spi ^ (spi >>> 16), 0x9e3779b1) ^ Math.imul(daddr, 0x85ebca6b) ^ proto;
  return (h ^ (h >>> 13)) >> 1;
}

function pathKey(daddr: number, saddr: number, reqid: number): number {
  const h = Math.imul(daddr, 0x9e3779b1) ^ Math.imul(saddr, 0x85ebca6b) ^ Math.imul(reqid, 0xc2b2ae35);
  return (h ^ (h >>> 15)) >> 1;
}

/** Chains in a map by a 31-bit hash: those of one hash are told apart by who reads them. */
class Chains {
  private readonly chains = new Map<number, XfrmState[]>();

  of(key: number): readonly XfrmState[] | undefined {
    return this.chains.get(key);
  }

  /** The newest in front, as the kernel has it. */
  add(key: number, state: XfrmState): void {
    const chain = this.chains.get(key);
    if (chain === undefined) this.chains.set(key, [state]);
    else chain.unshift(state);
  }

  remove(key: number, state: XfrmState): void {
    const chain = this.chains.get(key);
    if (chain === undefined) return;
    const rest = chain.filter((other) => other !== state);
    if (rest.length === 0) this.chains.delete(key);
    else this.chains.set(key, rest);
  }
}

export class Sad {
  private readonly bySpi = new Chains();
  private readonly byPath = new Chains();
  private readonly all = new Set<XfrmState>();
  private readonly softirq: Softirq;
  events: SadEvents = { expired: () => {} };
  /** Rises when bundles may hold a state that is not the best any more. */
  genid = 0;

  constructor(softirq: Softirq) {
    this.softirq = softirq;
  }

  get size(): number {
    return this.all.size;
  }

  /** The state of a packet that came in; null: there is none (xfrm_state_lookup). */
  lookup(mark: number, daddr: number, spi: number, proto: number): XfrmState | null {
    const chain = this.bySpi.of(spiKey(daddr, spi, proto));
    if (chain === undefined) return null;
    for (let i = 0; i < chain.length; i++) {
      const state = chain[i];
      if (state.spi !== spi || state.daddr !== daddr || state.protocol !== proto) continue;
      const { value, mask } = state.config.mark;
      if ((mark & mask) === value) return state;
    }
    return null;
  }

  /** The best state for a template and a flow; null: there is none (xfrm_state_find). */
  find(daddr: number, saddr: number, flow: XfrmFlow, tmpl: XfrmTemplate, ifId: number): XfrmState | null {
    return (
      this.bestOf(this.byPath.of(pathKey(daddr, saddr, tmpl.reqid)), daddr, saddr, flow, tmpl, ifId) ??
      (saddr === 0 ? null : this.bestOf(this.byPath.of(pathKey(daddr, 0, tmpl.reqid)), daddr, 0, flow, tmpl, ifId))
    );
  }

  private bestOf(
    chain: readonly XfrmState[] | undefined,
    daddr: number,
    saddr: number,
    flow: XfrmFlow,
    tmpl: XfrmTemplate,
    ifId: number,
  ): XfrmState | null {
    if (chain === undefined) return null;
    let best: XfrmState | null = null;
    for (let i = 0; i < chain.length; i++) {
      const x = chain[i];
      if (x.daddr !== daddr || x.saddr !== saddr || x.reqid !== tmpl.reqid || x.mode !== tmpl.mode || x.protocol !== tmpl.proto) continue;
      if (tmpl.spi !== 0 && tmpl.spi !== x.spi) continue;
      const { config } = x;
      if ((flow.mark & config.mark.mask) !== config.mark.value || config.ifId !== ifId) continue;
      if ((config.flags & XFRM_STATE_WILDRECV) !== 0 || x.kmState !== 'valid') continue;
      if (config.sel.inet && !selectorMatch(config.sel, flow)) continue;
      if (best === null || (best.dying && !x.dying) || (best.dying === x.dying && best.curlft.addTime < x.curlft.addTime)) best = x;
    }
    return best;
  }

  add(state: XfrmState): void {
    const { mark } = state.config;
    for (const other of this.bySpi.of(spiKey(state.daddr, state.spi, state.protocol)) ?? []) {
      if (other.spi !== state.spi || other.daddr !== state.daddr || other.protocol !== state.protocol) continue;
      if (other.config.mark.value === mark.value && other.config.mark.mask === mark.mask) {
        throw new CommandError('RTNETLINK answers: File exists', 2);
      }
    }
    this.all.add(state);
    this.bySpi.add(spiKey(state.daddr, state.spi, state.protocol), state);
    this.byPath.add(pathKey(state.daddr, state.saddr, state.reqid), state);
    state.curlft.addTime = this.softirq.clock.wallClock();
    state.timer.fire = () => this.timerFired(state);
    this.armTimer(state);
    this.genid++;
  }

  /** Takes a state out and clears its keys. */
  remove(state: XfrmState): void {
    if (!this.all.delete(state)) return;
    this.bySpi.remove(spiKey(state.daddr, state.spi, state.protocol), state);
    this.byPath.remove(pathKey(state.daddr, state.saddr, state.reqid), state);
    this.softirq.timers.del(state.timer);
    state.destroy();
    this.genid++;
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
      state.kmState = 'expired';
      this.softirq.timers.mod(state.timer, this.softirq.jiffies);
      return false;
    }
    if (!state.dying && (curlft.bytes >= limits.softBytes || curlft.packets >= limits.softPackets)) {
      state.dying = true;
      this.events.expired(state, false);
    }
    return true;
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
      state.kmState = 'expired';
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
