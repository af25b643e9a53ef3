/** target/nflog.ts — `-j NFLOG`: the packet to whoever listens to a group; to the log when nobody does (cf. Linux net/netfilter/xt_NFLOG.c). */
import { defineTarget, XT_CONTINUE, type XtTarget, xtUint } from '@packetwalk/framework';
import { quoted } from '../match/quoted.ts';
import { words } from '../match/words.ts';
import type { NfLogs } from '../nf-log.ts';
import { logPrefix } from './log-prefix.ts';

const MAX_PREFIX = 63;

interface Nflog {
  readonly group: number;
  readonly prefix: string;
  /** 0: not given. */
  readonly size: number;
  readonly threshold: number;
}

export function nflog(logs: NfLogs): XtTarget {
  return defineTarget({
    name: 'NFLOG',
    options: {
      'nflog-group': { value: xtUint(0xffff) },
      'nflog-prefix': { value: logPrefix(MAX_PREFIX) },
      'nflog-range': { value: xtUint(0xffffffff) },
      'nflog-size': { value: xtUint(0xffffffff) },
      'nflog-threshold': { value: xtUint(0xffff) },
    },
    init: (o): Nflog => ({
      group: o['nflog-group']?.value ?? 0,
      prefix: o['nflog-prefix']?.value ?? '',
      size: o['nflog-size']?.value ?? 0,
      threshold: o['nflog-threshold']?.value ?? 0,
    }),
    save: (data) => optionsText(data, '--'),
    print: (data) => optionsText(data, ''),
    target(skb, par, { group, prefix, size }) {
      const { state } = par;
      logs.packet(group, { skb, hooknum: state.hooknum, in: state.in, out: state.out, prefix, size });
      return XT_CONTINUE;
    },
  });
}

function optionsText({ group, prefix, size, threshold }: Nflog, dashes: string): string {
  return words(
    prefix === '' ? '' : `${dashes}nflog-prefix ${quoted(prefix)}`,
    group === 0 ? '' : `${dashes}nflog-group ${group}`,
    size === 0 ? '' : `${dashes}nflog-size ${size}`,
    threshold === 0 ? '' : `${dashes}nflog-threshold ${threshold}`,
  );
}
