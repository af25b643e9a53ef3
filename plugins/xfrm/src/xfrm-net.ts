/**
 * xfrm-net.ts — IPsec in one router: which policy a packet meets, whether what it came through is what the policy wants, and
 * the transforms it gets (cf. Linux net/xfrm/xfrm_policy.c, struct netns_xfrm).
 */
import {
  DST_NOXFRM,
  type DstEntry,
  type DstHandler,
  dstMtu,
  type Flow,
  formatIpv4,
  type IcmpSend,
  IFF_LOOPBACK,
  type InetDevices,
  type InetSockets,
  IP_CT_IS_REPLY,
  IPPROTO_COMP,
  IPPROTO_ICMP,
  IPPROTO_IPIP,
  type IpOutput,
  type Net,
  type Routing,
  RT_SCOPE_UNIVERSE,
  type Rtable,
  type SkBuff,
  XFRM_POLICY_IN,
  XFRM_POLICY_OUT,
  type Xfrm,
  type XfrmPath,
  type XfrmTransform,
} from '@packetwalk/framework';
import { NatTraversal } from './nat-traversal.ts';
import { bundleMtu, XfrmDst } from './xfrm-dst.ts';
import { type SecPath, XfrmInput } from './xfrm-input.ts';
import { NEVER } from './xfrm-lifetime.ts';
import { XfrmMonitors } from './xfrm-monitor.ts';
import { IPSKB_XFRM_TRANSFORMED, xfrmOutputOf } from './xfrm-output.ts';
import type { XfrmPolicy, XfrmTemplate } from './xfrm-policy.ts';
import { Sad } from './xfrm-sad.ts';
import { selectorMatch, XfrmFlow } from './xfrm-selector.ts';
import { Spd } from './xfrm-spd.ts';
import {
  XFRM_IN_NO_POLS,
  XFRM_IN_POL_BLOCK,
  XFRM_IN_STATE_MISMATCH,
  XFRM_IN_TMPL_MISMATCH,
  XFRM_OUT_NO_STATES,
  XFRM_OUT_POL_BLOCK,
  XFRM_OUT_POL_ERROR,
} from './xfrm-stat.ts';
import type { XfrmState } from './xfrm-state.ts';

/** Bundles that a policy keeps for use again; the oldest goes for a new one. */
const BUNDLES = 16;
/** Milliseconds until a policy's soft limit is told of again (XFRM_KM_TIMEOUT). */
const POLICY_WARN_AGAIN = 30_000;
const NO_STATES: readonly XfrmState[] = [];

/** What IPv4 offers, as xfrm uses it. */
export interface XfrmServices {
  readonly routing: Routing;
  readonly output: IpOutput;
  readonly icmp: IcmpSend;
  readonly inet: InetDevices;
  readonly sockets: InetSockets;
}

export class XfrmNet implements Xfrm, XfrmPath {
  readonly net: Net;
  readonly routing: Routing;
  readonly output: IpOutput;
  readonly icmp: IcmpSend;
  readonly inet: InetDevices;
  readonly mib: Float64Array;
  readonly sad: Sad;
  readonly spd: Spd = new Spd();
  readonly input: XfrmInput;
  readonly monitors: XfrmMonitors;
  readonly natT: NatTraversal;
  private readonly dstOutput: DstHandler;
  // One flow and one list serve the path: packets are handled one after the other.
  private readonly flow: XfrmFlow = new XfrmFlow();
  private readonly states: XfrmState[] = [];
  private readonly routes: Rtable[] = [];
  private readonly children: Rtable[] = [];

  constructor(net: Net, { routing, output, icmp, inet, sockets }: XfrmServices, mib: Float64Array) {
    this.net = net;
    this.routing = routing;
    this.output = output;
    this.icmp = icmp;
    this.inet = inet;
    this.mib = mib;
    this.sad = new Sad(net.softirq);
    this.input = new XfrmInput(this);
    this.monitors = new XfrmMonitors(this);
    this.sad.events = this.monitors;
    this.natT = new NatTraversal(this, sockets);
    this.dstOutput = xfrmOutputOf(this);
  }

  /** Has packets of ESP, AH or IPComp come here; the plugin says how. */
  loadProtocol: (protocol: number) => void = () => {};

  /** A state is being added: somebody takes its protocol, and with UDP encapsulation listens on its port. */
  stateAdded(state: XfrmState): void {
    this.loadProtocol(state.protocol);
    if (state.protocol === IPPROTO_COMP && state.tunnel) this.loadProtocol(IPPROTO_IPIP);
    if (state.encap !== null) this.natT.listen(state.encap.dport);
  }

  /** A policy was added: its limits in seconds run. Those in octets and packets are the kernel's to show only. */
  policyAdded(policy: XfrmPolicy): void {
    const { hardAdd, hardUse, softAdd, softUse } = policy.config.limits;
    const { softirq } = this.net;
    policy.curlft.addTime = this.now();
    if ((hardAdd | hardUse | softAdd | softUse) === 0) return;
    policy.timer.fire = () => this.policyTimer(policy);
    softirq.timers.mod(policy.timer, softirq.jiffies + 1000);
  }

  /** Looks at the limits of a policy, and sets its timer for the next of them (xfrm_policy_timer). */
  private policyTimer(policy: XfrmPolicy): void {
    const { hardAdd, hardUse, softAdd, softUse } = policy.config.limits;
    const { addTime, useTime } = policy.curlft;
    const now = this.now();
    const used = useTime === NEVER ? addTime : useTime;
    let next = Number.POSITIVE_INFINITY;
    let warn = false;
    for (const [seconds, since, hard] of [
      [hardAdd, addTime, true],
      [hardUse, used, true],
      [softAdd, addTime, false],
      [softUse, used, false],
    ] as const) {
      if (seconds === 0) continue;
      const left = since + seconds * 1000 - now;
      if (left > 0) next = Math.min(next, left);
      else if (hard) {
        this.spd.remove(policy);
        this.monitors.emit({ kind: 'polexpire', policy, hard: true });
        return;
      } else {
        warn = true;
        next = Math.min(next, POLICY_WARN_AGAIN);
      }
    }
    if (warn) this.monitors.emit({ kind: 'polexpire', policy, hard: false });
    this.net.softirq.timers.mod(policy.timer, this.net.softirq.jiffies + next);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.net.softirq.clock.wallClock();
  }

  /** A state, for walks: never its keys. */
  describe(state: XfrmTransform): string {
    const proto = state.protocol === 50 ? 'esp' : state.protocol === 51 ? 'ah' : 'comp';
    return `${proto} spi 0x${(state.spi >>> 0).toString(16)} ${state.mode} ${formatIpv4(state.saddr)} > ${formatIpv4(state.daddr)}`;
  }

  /** Clears all keys. */
  dispose(): void {
    this.natT.close();
    for (const state of this.sad.list()) this.sad.remove(state);
    for (const policy of this.spd.list()) this.net.softirq.timers.del(policy.timer);
  }

  received(skb: SkBuff): readonly XfrmTransform[] {
    return skb.secPath === null ? NO_STATES : (skb.secPath as SecPath).states;
  }

  toCome(skb: SkBuff): readonly XfrmTransform[] {
    const found: XfrmTransform[] = [];
    for (let dst = skb.dst; dst instanceof XfrmDst; dst = dst.child) found.push(dst.state);
    return found;
  }

  policyCheck(skb: SkBuff, dir: number): boolean {
    const { spd, flow } = this;
    if (skb.secPath === null && spd.count[dir] === 0 && !spd.blockByDefault[dir]) return true;
    const { cnf } = skb.dev.inDev ?? NO_CONF;
    if ((cnf.disablePolicy | this.inet.all.disablePolicy) !== 0) return true;
    const states = skb.secPath === null ? NO_STATES : (skb.secPath as SecPath).states;
    flow.decode(skb);
    for (let i = states.length - 1; i >= 0; i--) {
      const { sel } = states[i].config;
      if (sel.inet && !selectorMatch(sel, flow)) return this.refuse(XFRM_IN_STATE_MISMATCH);
    }
    const policy = spd.lookup(dir, flow, 0);
    if (policy === null) {
      if (spd.blockByDefault[dir] || hasTunnel(states, 0)) return this.refuse(XFRM_IN_NO_POLS);
      return true;
    }
    policy.curlft.useTime = this.now();
    if (policy.block) return this.refuse(XFRM_IN_POL_BLOCK);
    let matched = 0;
    const { templates } = policy;
    for (let i = templates.length - 1; i >= 0; i--) {
      matched = templateOk(templates[i], states, matched);
      if (matched < 0) return this.refuse(XFRM_IN_TMPL_MISMATCH);
    }
    if (hasTunnel(states, matched)) return this.refuse(XFRM_IN_TMPL_MISMATCH);
    if (skb.trace !== 0) skb.net.tracer.stage(skb, 'xfrmPolicyCheck', `dir ${dir === XFRM_POLICY_IN ? 'in' : 'fwd'} index ${policy.index}`);
    return true;
  }

  private refuse(counter: number): boolean {
    this.mib[counter]++;
    return false;
  }

  routeForward(skb: SkBuff): boolean {
    if (this.spd.count[XFRM_POLICY_OUT] === 0 && !this.spd.blockByDefault[XFRM_POLICY_OUT]) return true;
    return this.lookup(skb);
  }

  routeOutput(skb: SkBuff): boolean {
    if (this.spd.count[XFRM_POLICY_OUT] === 0 && !this.spd.blockByDefault[XFRM_POLICY_OUT]) return true;
    return this.lookup(skb);
  }

  /**
   * At POST_ROUTING, behind source NAT: what was translated is another packet to policies (nf_xfrm_me_harder). False: it may not go.
   */
  translated(skb: SkBuff): boolean {
    if (this.spd.count[XFRM_POLICY_OUT] === 0 || (skb.cb0 & IPSKB_XFRM_TRANSFORMED) !== 0) return true;
    const connection = this.net.conntrack?.connection(skb) ?? null;
    if (connection === null) return true;
    const dir = skb.nfctinfo >= IP_CT_IS_REPLY ? 1 : 0;
    const same = connection.saddr(dir) === connection.daddr(1 - dir);
    if (same && (connection.protocol === IPPROTO_ICMP || connection.sport(dir) === connection.dport(1 - dir))) return true;
    let route = skb.dst as DstEntry;
    while (route.child !== null) route = route.child;
    skb.dst = route;
    return this.lookup(skb);
  }

  /** Sets `skb.dst` to the bundle that policies want; false: the packet may not go (xfrm_lookup). */
  private lookup(skb: SkBuff): boolean {
    const orig = skb.dst as Rtable;
    const { cnf } = orig.dev.inDev ?? NO_CONF;
    if ((orig.flags & DST_NOXFRM) !== 0 || orig.xfrm !== null || (cnf.disableXfrm | this.inet.all.disableXfrm) !== 0) return true;
    const { flow, spd } = this;
    flow.decode(skb);
    const policy = spd.lookup(XFRM_POLICY_OUT, flow, 0);
    if (policy === null) {
      if (!spd.blockByDefault[XFRM_POLICY_OUT] || (orig.dev.flags & IFF_LOOPBACK) !== 0) return true;
      return false;
    }
    policy.curlft.useTime = this.now();
    if (policy.block) {
      this.mib[XFRM_OUT_POL_BLOCK]++;
      return false;
    }
    if (policy.templates.length === 0) return true;
    if (!this.resolve(policy, orig, true)) return false;
    if (this.states.length === 0) return true;
    skb.dst = this.bundle(policy);
    bundleMtu(skb.dst);
    if (skb.trace !== 0) skb.net.tracer.stage(skb, 'xfrmLookup', `policy index ${policy.index}, ${this.states.length} transforms`);
    return true;
  }

  routeMtu(rt: Rtable, { saddr, daddr, protocol, sport, dport, tos, mark }: Flow): number {
    const { flow, spd } = this;
    if ((rt.flags & DST_NOXFRM) !== 0 || spd.count[XFRM_POLICY_OUT] === 0) return dstMtu(rt);
    Object.assign(flow, { saddr, daddr, proto: protocol, sport, dport, tos, mark, oif: rt.dev.ifindex });
    const policy = spd.lookup(XFRM_POLICY_OUT, flow, 0);
    if (policy === null || policy.block || !this.resolve(policy, rt, false) || this.states.length === 0) return dstMtu(rt);
    return bundleMtu(this.bundle(policy));
  }

  /**
   * Finds the state of each template, and the route of each tunnel (xfrm_tmpl_resolve_one, xfrm_bundle_create).
   * @param sending what is missing is counted and asked for
   */
  private resolve({ templates, config }: XfrmPolicy, orig: Rtable, sending: boolean): boolean {
    const { flow, states, routes, children } = this;
    states.length = 0;
    routes.length = 0;
    children.length = 0;
    let { saddr, daddr } = flow;
    let route = orig;
    for (let i = 0; i < templates.length; i++) {
      const tmpl = templates[i];
      const tunnel = tmpl.mode === 'tunnel';
      const remote = tunnel ? tmpl.daddr : daddr;
      let local = tunnel ? tmpl.saddr : saddr;
      if (tunnel && local === 0) {
        local = this.sourceFor(remote);
        if (local === 0) return sending && this.outError(XFRM_OUT_POL_ERROR);
      }
      const state = this.sad.find(remote, local, flow, tmpl, config.ifId);
      if (state === null) {
        if (tmpl.optional) continue;
        if (!sending) return false;
        this.monitors.acquire(tmpl, remote, local, flow, config);
        return this.outError(XFRM_OUT_NO_STATES);
      }
      routes.push(route);
      if (tunnel) {
        const found = this.routeTo(state);
        if (found === null) return sending && this.outError(XFRM_OUT_POL_ERROR);
        route = found;
      }
      children.push(route);
      states.push(state);
      daddr = remote;
      saddr = local;
    }
    return true;
  }

  private outError(counter: number): boolean {
    this.mib[counter]++;
    return false;
  }

  private sourceFor(daddr: number): number {
    const flow = routeFlow(0, daddr, 0, 0);
    const rt = this.routing.routeOutput(flow);
    return typeof rt === 'number' ? 0 : flow.saddr;
  }

  /** The route of a tunnel's outer packets; null: there is none. */
  private routeTo({ saddr, daddr, config }: XfrmState): Rtable | null {
    const mark = (this.flow.mark & ~config.outputMark.mask) | (config.outputMark.value & config.outputMark.mask);
    const rt = this.routing.routeOutput(routeFlow(saddr, daddr, this.flow.tos, mark));
    return typeof rt === 'number' ? null : rt;
  }

  /** A bundle for what was resolved: one of the policy's, or a new one. */
  private bundle(policy: XfrmPolicy): XfrmDst {
    const { bundles } = policy;
    for (let i = 0; i < bundles.length; i++) if (this.isFor(bundles[i])) return bundles[i];
    const last = this.states.length - 1;
    let dst = new XfrmDst(this.states[last], this.routes[last], this.children[last], this.dstOutput);
    for (let i = last - 1; i >= 0; i--) dst = new XfrmDst(this.states[i], this.routes[i], dst, this.dstOutput);
    if (bundles.length === BUNDLES) bundles.shift();
    bundles.push(dst);
    return dst;
  }

  private isFor(bundle: XfrmDst): boolean {
    const { states, routes, children } = this;
    let dst = bundle;
    const last = states.length - 1;
    for (let i = 0; i <= last; i++) {
      if (dst.state !== states[i] || dst.route !== routes[i]) return false;
      if (i === last) return dst.child === children[i];
      if (!(dst.child instanceof XfrmDst)) return false;
      dst = dst.child;
    }
    return false;
  }
}

const NO_CONF = { cnf: { disableXfrm: 0, disablePolicy: 0 } };

function routeFlow(saddr: number, daddr: number, tos: number, mark: number): Flow {
  return { daddr, saddr, tos, iif: 0, oif: 0, mark, protocol: 0, scope: RT_SCOPE_UNIVERSE, sport: 0, dport: 0, flags: 0 };
}

/** Is there a tunnel among the states from `start` on (secpath_has_nontransport)? */
function hasTunnel(states: readonly XfrmState[], start: number): boolean {
  for (let i = start; i < states.length; i++) if (states[i].tunnel) return true;
  return false;
}

/** Finds a template's state from `start` on: the place behind it, or a negative number (xfrm_policy_ok). */
function templateOk(tmpl: XfrmTemplate, states: readonly XfrmState[], start: number): number {
  let result = -1;
  if (tmpl.optional) {
    if (tmpl.mode === 'transport') return start;
    result = start;
  }
  for (let i = start; i < states.length; i++) {
    if (stateOk(tmpl, states[i])) return i + 1;
    if (states[i].tunnel) return result === -1 ? -2 - i : result;
  }
  return result;
}

function stateOk(tmpl: XfrmTemplate, state: XfrmState): boolean {
  if (state.tunnelUsers !== 0) return tmpl.optional && (tmpl.saddr === 0 || tmpl.saddr === state.saddr);
  return (
    state.protocol === tmpl.proto &&
    (tmpl.spi === 0 || tmpl.spi === state.spi) &&
    (tmpl.reqid === 0 || tmpl.reqid === state.reqid) &&
    tmpl.mode === state.mode &&
    (!state.tunnel || tmpl.saddr === 0 || tmpl.saddr === state.saddr)
  );
}
