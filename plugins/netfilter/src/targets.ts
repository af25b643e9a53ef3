/** targets.ts — the targets that come with netfilter, one file each; plugins add theirs through the token Xtables. */
import { IpOutput, type PluginContext, Routing, type XtTarget } from '@packetwalk/framework';
import type { IpSets } from './ipset/ip-sets.ts';
import type { NfLogs } from './nf-log.ts';
import { checksum } from './target/checksum.ts';
import { classify } from './target/classify.ts';
import { dscp } from './target/dscp.ts';
import { ecn } from './target/ecn.ts';
import { log } from './target/log.ts';
import { mark } from './target/mark.ts';
import { nflog } from './target/nflog.ts';
import { nfqueue } from './target/nfqueue.ts';
import { reject } from './target/reject.ts';
import { set } from './target/set.ts';
import { tcpmss } from './target/tcpmss.ts';
import { tee } from './target/tee.ts';
import { tos } from './target/tos.ts';
import { trace } from './target/trace.ts';
import { ttl } from './target/ttl.ts';

/** All of them, for one router. */
export function targets(ctx: PluginContext, logs: NfLogs, sets: IpSets): XtTarget[] {
  const routing = ctx.slot(Routing);
  return [
    checksum,
    classify,
    dscp,
    ecn,
    log(logs),
    mark,
    nflog(logs),
    nfqueue,
    reject(ctx),
    set(sets),
    tcpmss(routing),
    tee(routing, ctx.slot(IpOutput)),
    tos,
    trace,
    ttl,
  ];
}
