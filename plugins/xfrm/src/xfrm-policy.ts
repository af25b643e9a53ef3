/** xfrm-policy.ts — a security policy: which packets get which transforms (RFC 4301 §4.4.1; cf. Linux struct xfrm_policy). */
import { Timer } from '@packetwalk/framework';
import type { XfrmDst } from './xfrm-dst.ts';
import { Lifetime, type LifetimeConfig, type Mark } from './xfrm-lifetime.ts';
import type { Selector } from './xfrm-selector.ts';

/** Flags (XFRM_POLICY_*). */
export const XFRM_POLICY_LOCALOK = 1;
export const XFRM_POLICY_ICMP = 2;
/** Most templates of a policy (XFRM_MAX_DEPTH), and transforms of a packet. */
export const XFRM_MAX_DEPTH = 6;

/** A transform that a policy asks for (struct xfrm_tmpl). */
export interface XfrmTemplate {
  readonly daddr: number;
  readonly saddr: number;
  /** 0: any. */
  readonly spi: number;
  /** IPPROTO_ESP, _AH or _COMP; 0: any of them. */
  readonly proto: number;
  readonly mode: 'transport' | 'tunnel';
  readonly reqid: number;
  /** `level use`: without it is right too. */
  readonly optional: boolean;
}

export interface XfrmPolicyConfig {
  readonly sel: Selector;
  /** XFRM_POLICY_IN, _OUT, _FWD. */
  readonly dir: number;
  readonly priority: number;
  /** 0: chosen by the table. */
  readonly index: number;
  readonly block: boolean;
  /** `ptype sub`, a second policy for the same packet. */
  readonly sub: boolean;
  readonly flags: number;
  readonly mark: Mark;
  readonly ifId: number;
  readonly limits: LifetimeConfig;
  readonly templates: readonly XfrmTemplate[];
}

export class XfrmPolicy {
  /** It takes every packet between its addresses: no more to be looked at. */
  declare readonly plain: boolean;
  readonly config: XfrmPolicyConfig;
  readonly sel: Selector;
  readonly dir: number;
  readonly priority: number;
  readonly index: number;
  readonly block: boolean;
  readonly templates: readonly XfrmTemplate[];
  readonly curlft: Lifetime = new Lifetime();
  readonly timer: Timer;
  /** Order of arrival: of two policies with one priority the older wins. */
  readonly pos: number;
  /** Bundles that were made for it (see XfrmNet). */
  readonly bundles: XfrmDst[] = [];
  dead = false;

  constructor(config: XfrmPolicyConfig, index: number, pos: number) {
    const { sel, mark } = config;
    this.plain = sel.proto === 0 && (sel.sportMask | sel.dportMask | sel.ifindex | mark.mask | mark.value | config.ifId) === 0;
    this.config = config;
    this.sel = config.sel;
    this.dir = config.dir;
    this.priority = config.priority;
    this.index = index;
    this.block = config.block;
    this.templates = config.templates;
    this.pos = pos;
    this.timer = new Timer('xfrm', () => {});
  }

  /** Is it for packets with this mark? */
  takesMark(mark: number): boolean {
    return (mark & this.config.mark.mask) === this.config.mark.value;
  }
}
