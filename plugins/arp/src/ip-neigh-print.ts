/** ip-neigh-print.ts — entries as `ip neigh` prints them (cf. iproute2 ip/ipneigh.c print_neigh). */
import { formatIpv4, formatLladdr, type NetDevice, NUD_VALID, rtprotN2a } from '@packetwalk/framework';
import { type NeighbourEntry, NTF_EXT_LEARNED, NTF_MANAGED, NTF_ROUTER } from './neighbour-entry.ts';
import { nudStateNames } from './nud-names.ts';
import type { ProxyEntry } from './proxy-table.ts';

/** What is printed of an entry, by iproute2's JSON names and in its order; undefined is left out, null stands alone. */
export interface PrintedNeigh {
  readonly dst: string;
  readonly dev?: string | undefined;
  readonly lladdr?: string | undefined;
  readonly router?: null | undefined;
  readonly proxy?: null | undefined;
  readonly managed?: null | undefined;
  readonly extern_learn?: null | undefined;
  readonly refcnt?: number | undefined;
  readonly used?: number | undefined;
  readonly confirmed?: number | undefined;
  readonly updated?: number | undefined;
  readonly probes?: number | undefined;
  readonly state?: readonly string[] | undefined;
  readonly protocol?: string | undefined;
}

export interface PrintOptions {
  /** The device was named by the person: not printed. */
  readonly dev: NetDevice | null;
  /** `-s`: times and counts. */
  readonly stats: boolean;
  /** `-N`: numbers for names. */
  readonly numeric: boolean;
  /** Now, ms. */
  readonly jiffies: number;
}

const mark = (set: number): null | undefined => (set !== 0 ? null : undefined);
const protocolName = (protocol: number, numeric: boolean): string | undefined => {
  if (protocol === 0) return undefined;
  return numeric ? String(protocol) : rtprotN2a(protocol);
};

export function printedNeigh(neigh: NeighbourEntry, options: PrintOptions): PrintedNeigh {
  const { flags, nudState, refcnt } = neigh;
  const ago = (then: number): number => Math.floor((options.jiffies - then) / 1000);
  const state = nudStateNames(nudState);
  return {
    dst: formatIpv4(neigh.key),
    dev: options.dev === null ? neigh.dev.name : undefined,
    lladdr: (nudState & NUD_VALID) !== 0 ? formatLladdr(neigh.dev, neigh.ha) : undefined,
    router: mark(flags & NTF_ROUTER),
    managed: mark(flags & NTF_MANAGED),
    extern_learn: mark(flags & NTF_EXT_LEARNED),
    ...(options.stats
      ? {
          refcnt: refcnt === 0 ? undefined : refcnt,
          used: ago(neigh.used),
          confirmed: ago(neigh.confirmed),
          updated: ago(neigh.updated),
          probes: neigh.probes,
        }
      : {}),
    state: state.length === 0 ? undefined : state,
    protocol: protocolName(neigh.protocol, options.numeric),
  };
}

export function printedProxy(entry: ProxyEntry, options: PrintOptions): PrintedNeigh {
  return {
    dst: formatIpv4(entry.key),
    dev: options.dev === null && entry.dev !== null ? entry.dev.name : undefined,
    router: mark(entry.flags & NTF_ROUTER),
    proxy: null,
    extern_learn: mark(entry.flags & NTF_EXT_LEARNED),
    protocol: protocolName(entry.protocol, options.numeric),
  };
}

/** One line, with the blank that iproute2 leaves at its end. */
export function neighLine(neigh: PrintedNeigh): string {
  let line = `${neigh.dst} `;
  if (neigh.dev !== undefined) line += `dev ${neigh.dev} `;
  if (neigh.lladdr !== undefined) line += `lladdr ${neigh.lladdr} `;
  for (const name of ['router', 'proxy', 'managed', 'extern_learn'] as const) if (neigh[name] === null) line += `${name} `;
  if (neigh.refcnt !== undefined) line += ` ref ${neigh.refcnt}`;
  if (neigh.used !== undefined) line += ` used ${neigh.used}/${neigh.confirmed}/${neigh.updated}probes ${neigh.probes} `;
  for (const name of neigh.state ?? []) line += `${name} `;
  if (neigh.protocol !== undefined) line += `proto ${neigh.protocol} `;
  return `${line}\n`;
}
