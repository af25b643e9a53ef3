/**
 * xfrm-monitor.ts — what happens to states and policies, told to those who listen: `ip xfrm monitor`, and a key daemon of the
 * future, which answers acquires (cf. Linux struct xfrm_mgr).
 */

import { larvalState } from './larval-state.ts';
import type { XfrmNet } from './xfrm-net.ts';
import type { XfrmPolicy, XfrmPolicyConfig, XfrmTemplate } from './xfrm-policy.ts';
import type { SadEvents } from './xfrm-sad.ts';
import type { XfrmFlow } from './xfrm-selector.ts';
import { XfrmState } from './xfrm-state.ts';

/** An event; a listener takes the kinds that it wants. */
export type XfrmEvent =
  | {
      readonly kind: 'acquire';
      readonly tmpl: XfrmTemplate;
      readonly daddr: number;
      readonly saddr: number;
      readonly flow: XfrmFlow;
      readonly policy: XfrmPolicyConfig;
    }
  | { readonly kind: 'expire'; readonly state: XfrmState; readonly hard: boolean }
  | { readonly kind: 'newsa' | 'updsa' | 'delsa'; readonly state: XfrmState }
  | { readonly kind: 'newpolicy' | 'updpolicy' | 'delpolicy'; readonly policy: XfrmPolicy }
  | { readonly kind: 'polexpire'; readonly policy: XfrmPolicy; readonly hard: boolean }
  | { readonly kind: 'flushsa'; readonly proto: number }
  | { readonly kind: 'flushpolicy' };

export type XfrmListener = (event: XfrmEvent) => void;

export class XfrmMonitors implements SadEvents {
  private readonly listeners = new Set<XfrmListener>();
  private readonly xfrm: XfrmNet;
  /** Numbers of acquires: the answer carries it (`seq`). */
  private acquireSeq = 0;

  constructor(xfrm: XfrmNet) {
    this.xfrm = xfrm;
  }

  /** Adds a listener; returns its undo. */
  listen(listener: XfrmListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: XfrmEvent): void {
    for (const listener of this.listeners) this.xfrm.net.softirq.guard('xfrm', () => listener(event));
  }

  expired(state: XfrmState, hard: boolean): void {
    this.emit({ kind: 'expire', state, hard });
  }

  /** A packet needs a state that is not there. Who listens is told once, until the larval state expires or has been answered. */
  acquire(tmpl: XfrmTemplate, daddr: number, saddr: number, flow: XfrmFlow, policy: XfrmPolicyConfig): void {
    if (this.listeners.size === 0) return;
    const { sad } = this.xfrm;
    const { spi, proto, mode, reqid } = tmpl;
    if (sad.larval(daddr, saddr, { reqid, mode, protocol: proto }) !== null) return;
    const seq = ++this.acquireSeq;
    sad.addLarval(new XfrmState(larvalState({ saddr, daddr, proto, spi, mode, reqid, seq, mark: policy.mark }), null));
    this.emit({ kind: 'acquire', tmpl, daddr, saddr, flow, policy });
  }
}
