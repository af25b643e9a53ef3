/** tables.ts — the tables filter, nat and broute: their built-in chains, at their hooks (cf. Linux ebtable_filter.c, ebtable_nat.c, ebtable_broute.c). */
import {
  brBroute,
  EBT_ACCEPT,
  ETH_DST,
  NF_ACCEPT,
  NF_BR_BROUTING,
  NF_BR_PRI_FILTER_BRIDGED,
  NF_BR_PRI_FILTER_OTHER,
  NF_BR_PRI_FIRST,
  NF_BR_PRI_NAT_DST_BRIDGED,
  NF_BR_PRI_NAT_DST_OTHER,
  NF_BR_PRI_NAT_SRC,
  NF_DROP,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  type NfHookFn,
  type NfHookOps,
  type NfHookState,
  PACKET_HOST,
  PACKET_OTHERHOST,
  PF_BRIDGE,
  type SkBuff,
} from '@packetwalk/framework';
import { Chain } from './chain.ts';
import { evaluate } from './walk.ts';

type BuiltIn = readonly [name: string, hooknum: number, priority: number];

const TABLES: readonly (readonly [string, readonly BuiltIn[]])[] = [
  [
    'filter',
    [
      ['INPUT', NF_IP_LOCAL_IN, NF_BR_PRI_FILTER_BRIDGED],
      ['FORWARD', NF_IP_FORWARD, NF_BR_PRI_FILTER_BRIDGED],
      ['OUTPUT', NF_IP_LOCAL_OUT, NF_BR_PRI_FILTER_OTHER],
    ],
  ],
  [
    'nat',
    [
      ['PREROUTING', NF_IP_PRE_ROUTING, NF_BR_PRI_NAT_DST_BRIDGED],
      ['OUTPUT', NF_IP_LOCAL_OUT, NF_BR_PRI_NAT_DST_OTHER],
      ['POSTROUTING', NF_IP_POST_ROUTING, NF_BR_PRI_NAT_SRC],
    ],
  ],
  ['broute', [['BROUTING', NF_BR_BROUTING, NF_BR_PRI_FIRST]]],
];

/** Registers a hook; returns its undo. */
export type RegisterHook = (ops: NfHookOps) => () => void;

export class EbtTable {
  readonly name: string;
  /** Built-in chains, in the order of listings. */
  readonly builtIns: readonly Chain[];
  /** The others, by name. */
  users: ReadonlyMap<string, Chain> = new Map();
  /** Something was changed in it: ebtables-save writes it. */
  used = false;
  private readonly priorities: readonly number[];
  private readonly registerHook: RegisterHook;
  private readonly hooks = new Map<Chain, () => void>();

  constructor(name: string, chains: readonly BuiltIn[], registerHook: RegisterHook) {
    this.name = name;
    this.builtIns = chains.map(([chain, hooknum]) => new Chain(name, chain, hooknum));
    this.priorities = chains.map(([, , priority]) => priority);
    this.registerHook = registerHook;
  }

  /** Chains as they are listed: built-in ones, then the others by name. */
  listed(): Chain[] {
    return [...this.builtIns, ...[...this.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1))];
  }

  chain(name: string): Chain | undefined {
    return this.builtIns.find((c) => c.name === name) ?? this.users.get(name);
  }

  /** A built-in chain stands at its hook as long as it could do something: an empty table costs nothing. */
  attach(): void {
    for (const [i, chain] of this.builtIns.entries()) {
      const needed = chain.rules.length > 0 || chain.policy !== EBT_ACCEPT;
      const undo = this.hooks.get(chain);
      if (needed && undo === undefined) {
        const hook: NfHookFn =
          this.name === 'broute' ? (skb, state) => broute(chain, skb, state) : (skb, state) => evaluate(chain, skb, state);
        const ops = { pf: PF_BRIDGE, hooknum: chain.hooknum, priority: this.priorities[i], hook, name: `ebtables ${this.name}` };
        this.hooks.set(chain, this.registerHook(ops));
      } else if (!needed && undo !== undefined) {
        undo();
        this.hooks.delete(chain);
      }
    }
  }
}

/** DROP in the table broute: the frame is routed, not bridged (ebt_broute). */
function broute(chain: Chain, skb: SkBuff, state: NfHookState): number {
  if (evaluate(chain, skb, state) !== NF_DROP) return NF_ACCEPT;
  const { view } = skb.head;
  const hi = view.getUint16(skb.macHeader + ETH_DST);
  const lo = view.getInt32(skb.macHeader + ETH_DST + 2);
  const { dev } = skb;
  const bridge = dev.master;
  const port = dev.macHi === hi && dev.macLo === lo;
  // What is for the bridge's address is not for the port's.
  if (skb.pktType === PACKET_HOST && !port && bridge !== null && bridge.macHi === hi && bridge.macLo === lo) skb.pktType = PACKET_OTHERHOST;
  brBroute(skb);
  return NF_ACCEPT;
}

export class EbtTables {
  private readonly tables: readonly EbtTable[];

  constructor(registerHook: RegisterHook) {
    this.tables = TABLES.map(([name, chains]) => new EbtTable(name, chains, registerHook));
  }

  all(): readonly EbtTable[] {
    return this.tables;
  }

  table(name: string): EbtTable | undefined {
    return this.tables.find((t) => t.name === name);
  }
}
