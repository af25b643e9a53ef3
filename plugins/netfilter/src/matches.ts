/** matches.ts — the matches that come with netfilter, one file each; plugins add theirs through the token Xtables. */
import { type PluginContext, ProcFs, Routing, XfrmPath, type XtMatch } from '@packetwalk/framework';
import type { IpSets } from './ipset/ip-sets.ts';
import { addrtype } from './match/addrtype.ts';
import { comment } from './match/comment.ts';
import { devgroup } from './match/devgroup.ts';
import { dscp } from './match/dscp.ts';
import { ecn } from './match/ecn.ts';
import { ah, esp } from './match/esp.ts';
import { hashlimit } from './match/hashlimit.ts';
import { icmp } from './match/icmp.ts';
import { iprange } from './match/iprange.ts';
import { length } from './match/length.ts';
import { limit } from './match/limit.ts';
import { mac } from './match/mac.ts';
import { mark } from './match/mark.ts';
import { multiport } from './match/multiport.ts';
import { owner } from './match/owner.ts';
import { physdev } from './match/physdev.ts';
import { pkttype } from './match/pkttype.ts';
import { policy } from './match/policy.ts';
import { quota } from './match/quota.ts';
import { recent } from './match/recent.ts';
import { rpfilter } from './match/rpfilter.ts';
import { dccp, sctp } from './match/sctp.ts';
import { set } from './match/set.ts';
import { statistic } from './match/statistic.ts';
import { string } from './match/string.ts';
import { tcp } from './match/tcp.ts';
import { tcpmss } from './match/tcpmss.ts';
import { time } from './match/time.ts';
import { tos } from './match/tos.ts';
import { ttl } from './match/ttl.ts';
import { u32 } from './match/u32.ts';
import { udp } from './match/udp.ts';

/** Those that need nothing but the packet. */
const PLAIN: readonly XtMatch[] = [
  ah,
  comment,
  dccp,
  devgroup,
  dscp,
  ecn,
  esp,
  icmp,
  iprange,
  length,
  limit,
  mac,
  mark,
  multiport,
  owner,
  physdev,
  pkttype,
  quota,
  sctp,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
];

/** All of them, for one router. */
export function matches(ctx: PluginContext, sets: IpSets): XtMatch[] {
  const routing = ctx.slot(Routing);
  return [...PLAIN, addrtype(routing), hashlimit(), policy(ctx.slot(XfrmPath)), recent(ctx.inject(ProcFs)), rpfilter(routing), set(sets)];
}
