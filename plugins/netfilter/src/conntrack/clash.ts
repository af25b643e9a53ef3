/**
 * clash.ts — two packets have begun a connection at once, and the second one finds its place taken when it is to be confirmed
 * (cf. Linux nf_ct_resolve_clash).
 */
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IPPROTO_GRE,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_CLASH,
  nfCtSet,
  nfResetCt,
  type SkBuff,
} from '@packetwalk/framework';
import { CT_DST, CT_EXPIRES, CT_KEY, CT_PORTS, CT_SRC, CT_TUPLE, type NfConn, sameTuple } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { CT_STAT_CLASH_RESOLVE, CT_STAT_DROP } from './stat.ts';

/** What a flow that clashed with another one lives, ms: its replies find their way, its next packet is the other's. */
const CLASH_LIFE = 1000;

/** Reference of the connection that has a direction of `ct` already; 0: nobody has. */
export function taken(nct: NfConntrack, ct: NfConn, dir: number): number {
  const { words, base } = ct;
  const at = base + dir * CT_TUPLE;
  return nct.findLive(words[at + CT_SRC], words[at + CT_DST], words[at + CT_PORTS], words[at + CT_KEY], 3);
}

/** Protocols in which two packets may begin the same connection at once. */
export function allowsClash(protocol: number): boolean {
  return protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE || protocol === IPPROTO_GRE;
}

/**
 * While the packet was under way (in a queue, as a copy), another one has confirmed a connection with these ends. If it is
 * the same connection, the packet joins it; if only the original direction is taken, the replies get an entry for a second.
 */
export function resolveClash(nct: NfConntrack, skb: SkBuff, loser: NfConn, winner: NfConn): boolean {
  if (!allowsClash(loser.protocol)) return dropped(nct);
  if (merges(nct, skb, loser, winner)) return true;
  const replies = taken(nct, loser, IP_CT_DIR_REPLY);
  if (replies !== 0) return merges(nct, skb, loser, nct.conn(replies)) || dropped(nct);
  loser.words[loser.base + CT_EXPIRES] = nct.now + CLASH_LIFE;
  loser.setStatus(IPS_FIXED_TIMEOUT | IPS_NAT_CLASH);
  if (!nct.insert(loser, 1 << IP_CT_DIR_REPLY)) return false;
  nct.stat[CT_STAT_CLASH_RESOLVE]++;
  return true;
}

function dropped(nct: NfConntrack): boolean {
  nct.stat[CT_STAT_DROP]++;
  return false;
}

function merges(nct: NfConntrack, skb: SkBuff, loser: NfConn, winner: NfConn): boolean {
  const same = sameTuple(loser, 0, winner, 0) && sameTuple(loser, 1, winner, 1);
  const reversed = sameTuple(loser, 0, winner, 1) && sameTuple(loser, 1, winner, 0);
  if (!same && !reversed) return false;
  const { nfctinfo } = skb;
  nct.account(winner, IP_CT_DIR_ORIGINAL, skb);
  nfResetCt(skb);
  nfCtSet(skb, winner, nfctinfo);
  nct.stat[CT_STAT_CLASH_RESOLVE]++;
  return true;
}
