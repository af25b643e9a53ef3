/**
 * xfrm-spd.ts — the security policy database (RFC 4301 §4.4.1; cf. Linux net/xfrm/xfrm_policy.c). A packet gets the policy of
 * the lowest priority that takes it; of several the one that came first.
 *
 * Policies of two prefix lengths, hosts to hosts say, are found by hash: a packet's addresses cut to these lengths. There is
 * such a table for each pair of lengths that some policy has, few in practice; lookup asks each pair, the smallest priority
 * first, and stops where no other can win. So the cost follows the pairs, not the policies (npm run bench:xfrm).
 */
import { CommandError, inetMakeMask } from '@packetwalk/framework';
import { HashTable } from './hash-table.ts';
import { XfrmPolicy, type XfrmPolicyConfig } from './xfrm-policy.ts';
import type { XfrmFlow } from './xfrm-selector.ts';
import { sameSelector, selectorMatch } from './xfrm-selector.ts';

const DIRECTIONS = 3;

/** Tag of policies that take every packet between their addresses. */
const PLAIN = 1;

/** All policies of one direction with these prefix lengths, by the addresses; of the same addresses in order. */
class PrefixPair {
  readonly saddrMask: number;
  readonly daddrMask: number;
  readonly table: HashTable<XfrmPolicy> = new HashTable();

  constructor(saddrLen: number, daddrLen: number) {
    this.saddrMask = inetMakeMask(saddrLen);
    this.daddrMask = inetMakeMask(daddrLen);
  }

  add(policy: XfrmPolicy): void {
    const { saddr, daddr } = policy.sel;
    const tag = policy.plain ? PLAIN : 0;
    this.table.add(saddr & this.saddrMask, daddr & this.daddrMask, 0, policy, tag, (other) => comesBefore(policy, other));
  }

  remove(policy: XfrmPolicy): void {
    this.table.remove(policy.sel.saddr & this.saddrMask, policy.sel.daddr & this.daddrMask, 0, policy);
  }

  /** The first policy that takes the flow and comes before `best`; else `best`. */
  lookup(flow: XfrmFlow, ifId: number, best: XfrmPolicy | null): XfrmPolicy | null {
    const { table } = this;
    for (let e = table.first(flow.saddr & this.saddrMask, flow.daddr & this.daddrMask, 0); e >= 0; e = table.next(e)) {
      const policy = table.value(e);
      if (best !== null && !comesBefore(policy, best)) return best;
      if (table.tag(e) === PLAIN && ifId === 0) return policy;
      if (policy.takesMark(flow.mark) && policy.config.ifId === ifId && selectorMatch(policy.sel, flow)) return policy;
    }
    return best;
  }

  /** All policies for these addresses. */
  *of(saddr: number, daddr: number): Generator<XfrmPolicy> {
    const { table } = this;
    for (let e = table.first(saddr & this.saddrMask, daddr & this.daddrMask, 0); e >= 0; e = table.next(e)) yield table.value(e);
  }
}

function comesBefore(a: XfrmPolicy, b: XfrmPolicy): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.pos < b.pos);
}

export interface SpdEvents {
  /** A policy came, changed, or went. */
  changed(): void;
}

export class Spd {
  /** By direction; `ptype sub` policies are told apart from main ones when listed only. */
  private readonly pairs: Map<number, PrefixPair>[] = Array.from({ length: DIRECTIONS }, () => new Map());
  private readonly lists: PrefixPair[][] = Array.from({ length: DIRECTIONS }, () => []);
  /** In the order they came, newest last. */
  private readonly all = new Set<XfrmPolicy>();
  private readonly byIndex = new Map<number, XfrmPolicy>();
  /** How many there are of each direction. */
  readonly count: Int32Array = new Int32Array(DIRECTIONS);
  /** What happens to packets that no policy takes: true blocks them (`ip xfrm policy setdefault`). */
  readonly blockByDefault: boolean[] = new Array(DIRECTIONS).fill(false);
  /** Rises with every change: bundles made before are out of date. */
  genid = 0;
  private pos = 0;
  private nextIndex = 0;

  /** The policy for a flow; null: there is none (xfrm_policy_lookup). */
  lookup(dir: number, flow: XfrmFlow, ifId: number): XfrmPolicy | null {
    const list = this.lists[dir];
    let best: XfrmPolicy | null = null;
    for (let i = 0; i < list.length; i++) best = list[i].lookup(flow, ifId, best);
    return best;
  }

  /** @param update true: takes the place of the one with the same selector */
  insert(config: XfrmPolicyConfig, update: boolean): XfrmPolicy {
    const old = this.find(config);
    if (old !== undefined && !update) throw new CommandError('RTNETLINK answers: File exists', 2);
    const index = old?.index ?? this.genIndex(config.dir, config.index);
    if (old !== undefined) this.unlink(old);
    const policy = new XfrmPolicy(config, index, ++this.pos);
    if (old !== undefined) policy.curlft.useTime = old.curlft.useTime;
    const { dir, sel } = policy;
    const key = (sel.saddrLen << 6) | sel.daddrLen;
    let pair = this.pairs[dir].get(key);
    if (pair === undefined) {
      pair = new PrefixPair(sel.saddrLen, sel.daddrLen);
      this.pairs[dir].set(key, pair);
      this.lists[dir].push(pair);
    }
    pair.add(policy);
    this.all.add(policy);
    this.byIndex.set(index, policy);
    this.count[dir]++;
    this.genid++;
    return policy;
  }

  /** Takes a policy out (xfrm_policy_delete). */
  remove(policy: XfrmPolicy): void {
    if (policy.dead) return;
    this.unlink(policy);
    this.genid++;
  }

  private unlink(policy: XfrmPolicy): void {
    const { dir, sel } = policy;
    const key = (sel.saddrLen << 6) | sel.daddrLen;
    const pair = this.pairs[dir].get(key);
    if (pair !== undefined) {
      pair.remove(policy);
      if (pair.table.size === 0) {
        this.pairs[dir].delete(key);
        this.lists[dir].splice(this.lists[dir].indexOf(pair), 1);
      }
    }
    policy.dead = true;
    this.all.delete(policy);
    this.byIndex.delete(policy.index);
    this.count[dir]--;
  }

  /** The policy that `ip xfrm policy get` or `delete` means. */
  find({ sel, dir, mark, ifId, sub }: Pick<XfrmPolicyConfig, 'sel' | 'dir' | 'mark' | 'ifId' | 'sub'>): XfrmPolicy | undefined {
    const pair = this.pairs[dir].get((sel.saddrLen << 6) | sel.daddrLen);
    for (const policy of pair?.of(sel.saddr, sel.daddr) ?? []) {
      const { config } = policy;
      if (config.ifId !== ifId || config.sub !== sub || config.mark.value !== mark.value || config.mark.mask !== mark.mask) continue;
      if (sameSelector(policy.sel, sel)) return policy;
    }
    return undefined;
  }

  withIndex(dir: number, index: number): XfrmPolicy | undefined {
    const policy = this.byIndex.get(index);
    return policy !== undefined && policy.dir === dir ? policy : undefined;
  }

  /** All policies, the newest first, as the kernel lists them. */
  list(): XfrmPolicy[] {
    return [...this.all].reverse();
  }

  /** The kernel's way: `wanted` unless that is taken; else eights, and the direction in the lower bits (xfrm_gen_index). */
  private genIndex(dir: number, wanted: number): number {
    for (let index = wanted; ; index = 0) {
      if (index === 0) {
        index = this.nextIndex | dir;
        this.nextIndex += 8;
      }
      if (index === 0) index = 8;
      if (!this.byIndex.has(index)) return index;
    }
  }
}
