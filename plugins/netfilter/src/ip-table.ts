/** ip-table.ts — one table: its chains as packets go through them now, and their counters (cf. Linux net/ipv4/netfilter/ip_tables.c). */
import { IP_FRAG_OFF, IP_OFFSET, NF_ACCEPT, type NfHookState, type SkBuff, XT_RETURN } from '@packetwalk/framework';
import type { Chain } from './chain.ts';
import { runCompiled } from './compiled/chain-program.ts';
import { Counters } from './counters.ts';
import { type AttachChain, BUILT_IN_CHAINS, type TableDef, type TableHook } from './table-def.ts';
import { MAX_WORK, type RunChain, runPlain, Walk } from './walk.ts';

// A target may send packets of its own (REJECT, TEE), which go through tables while this one waits.
const walks: Walk[] = [];
let depth = 0;

export class IpTable {
  readonly def: TableDef;
  /** Chains by name. A built-in one is there from its first use on. */
  chains: ReadonlyMap<string, Chain> = new Map();
  readonly counters: Counters = new Counters();
  /** Something was changed in it: it is there, and iptables-save writes it. */
  used = false;
  private readonly attach: AttachChain;
  private readonly run: RunChain;
  private readonly detach = new Map<Chain, () => void>();

  /** @param compile false: rules are asked one by one, as the plain walk does it */
  constructor(def: TableDef, attach: AttachChain, compile: boolean) {
    this.def = def;
    this.attach = attach;
    this.run = compile ? runCompiled : runPlain;
  }

  get name(): string {
    return this.def.name;
  }

  /** The hook of a built-in chain of this table; undefined for other names. */
  hookOf(chain: string): TableHook | undefined {
    return this.def.hooks.find(({ hooknum }) => BUILT_IN_CHAINS[hooknum] === chain);
  }

  /** The chains as they are listed: built-in ones in the order of the hooks, the others by name. */
  listed(): Chain[] {
    const all = [...this.chains.values()];
    const users = all.filter((c) => !c.builtIn).sort((a, b) => (a.name < b.name ? -1 : 1));
    return [...all.filter((c) => c.builtIn).sort((a, b) => a.hooknum - b.hooknum), ...users];
  }

  /** A built-in chain has been made: packets go through it from now on. */
  register(chain: Chain): void {
    const hook = this.def.hooks.find(({ hooknum }) => hooknum === chain.hooknum) as TableHook;
    this.detach.set(
      chain,
      this.attach(hook, (skb, state) => this.evaluate(chain, skb, state)),
    );
  }

  /** A chain has gone: packets go through it no more. */
  unregister(chain: Chain): void {
    this.detach.get(chain)?.();
    this.detach.delete(chain);
  }

  dispose(): void {
    for (const chain of [...this.detach.keys()]) this.unregister(chain);
  }

  /** Takes a packet through a built-in chain and its policy; an NF_* verdict (ipt_do_table). */
  evaluate(chain: Chain, skb: SkBuff, state: NfHookState): number {
    const { view } = skb.head;
    const ip = skb.networkHeader;
    if (depth === walks.length) walks.push(new Walk());
    const walk = walks[depth++];
    walk.state = state;
    walk.thoff = (view.getUint8(ip) & 15) << 2;
    walk.fragoff = view.getUint16(ip + IP_FRAG_OFF) & IP_OFFSET;
    walk.hotdrop = false;
    walk.left = MAX_WORK;
    walk.counters = this.counters.values;
    walk.run = this.run;
    try {
      const verdict = this.run(chain, skb, walk);
      if (verdict !== XT_RETURN) return verdict;
      if (chain.counted) {
        walk.counters[chain.slot]++;
        walk.counters[chain.slot + 1] += skb.len;
      }
      if (chain.policy !== NF_ACCEPT || skb.trace !== 0) state.position = chain;
      return chain.policy;
    } finally {
      depth--;
    }
  }
}
