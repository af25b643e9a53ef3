/**
 * nf-confirm.ts — a packet has got through: helpers look at it, and its connection goes into the table if it is new (cf. Linux
 * nf_confirm, __nf_conntrack_confirm). The last hook of POST_ROUTING and LOCAL_IN.
 */
import {
  IFF_LOOPBACK,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_IS_REPLY,
  IP_CT_RELATED_REPLY,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_SEQ_ADJUST,
  IPS_TEMPLATE,
  NF_ACCEPT,
  NF_DROP,
  type SkBuff,
} from '@packetwalk/framework';
import { resolveClash, taken } from './clash.ts';
import { IPCT_HELPER, IPCT_NEW, IPCT_RELATED } from './events.ts';
import { CT_EVENT_SHIFT, CT_EXPIRES, CT_STATUS, CT_STATUS_MASK, type NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { seqAdjust } from './seqadj.ts';
import { CT_STAT_DROP, CT_STAT_INSERT_FAILED } from './stat.ts';

/** The hook. */
export function nfConfirm(nct: NfConntrack, skb: SkBuff): number {
  const ct = skb.nfct as NfConn | null;
  if (ct === null) return NF_ACCEPT;
  const status = ct.words[ct.base + CT_STATUS];
  if ((status & IPS_TEMPLATE) !== 0) return NF_ACCEPT;
  if (ct.ext !== null) {
    const verdict = helpAndAdjust(nct, skb, ct, status);
    if (verdict !== NF_ACCEPT) return verdict;
  }
  // Nearly always there is nothing to be done.
  if ((status & IPS_CONFIRMED) !== 0 && ct.words[ct.base + CT_STATUS] >>> CT_EVENT_SHIFT === 0) return NF_ACCEPT;
  return confirm(nct, skb, ct);
}

/** The helper reads the packet; sequence numbers follow what it has changed in earlier ones. */
function helpAndAdjust(nct: NfConntrack, skb: SkBuff, ct: NfConn, status: number): number {
  const { nfctinfo } = skb;
  // Helpers do not read ICMP.
  if (nfctinfo === IP_CT_RELATED_REPLY) return NF_ACCEPT;
  const dir = nfctinfo >= IP_CT_IS_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
  const hlen = (skb.head.view.getUint8(skb.networkHeader) & 15) << 2;
  const helper = ct.ext?.helper ?? null;
  if (helper !== null) {
    const verdict = helper.help(nct, skb, ct, dir, skb.networkHeader + hlen);
    if (verdict !== NF_ACCEPT) return verdict;
  }
  // What comes back by loopback was adjusted on its way out.
  const loopback = skb.iif !== 0 && (skb.dev.flags & IFF_LOOPBACK) !== 0;
  if ((status & IPS_SEQ_ADJUST) !== 0 && !loopback && !seqAdjust(skb, ct, dir, skb.networkHeader + hlen)) {
    nct.stat[CT_STAT_DROP]++;
    return NF_DROP;
  }
  return NF_ACCEPT;
}

/** Puts a new connection into the table, and tells what has happened to it (nf_conntrack_confirm). */
function confirm(nct: NfConntrack, skb: SkBuff, ct: NfConn): number {
  if (!ct.confirmed) {
    // A packet made because of the first one (a reset, an ICMP error) does not confirm what the first one did not.
    if (skb.nfctinfo >= IP_CT_IS_REPLY) return NF_ACCEPT;
    if (!insertNew(nct, skb, ct)) {
      nct.stat[CT_STAT_INSERT_FAILED]++;
      return NF_DROP;
    }
  }
  const now = skb.nfct as NfConn;
  const word = now.base + CT_STATUS;
  const events = now.words[word] >>> CT_EVENT_SHIFT;
  if (events === 0) return NF_ACCEPT;
  now.words[word] &= CT_STATUS_MASK;
  const isNew = (events & (IPCT_NEW | IPCT_RELATED)) !== 0;
  nct.net.notifier.emit('conntrack:event', isNew ? 'new' : 'update', now, events);
  return NF_ACCEPT;
}

/** False: the packet is lost. True: its connection, or the one in the table that is the same, is the packet's now. */
function insertNew(nct: NfConntrack, skb: SkBuff, ct: NfConn): boolean {
  if ((ct.status & IPS_DYING) !== 0) return false;
  const there = taken(nct, ct, IP_CT_DIR_ORIGINAL) || taken(nct, ct, IP_CT_DIR_REPLY);
  if (there !== 0) return resolveClash(nct, skb, ct, nct.conn(there));
  // Its time begins now: until here the word said how long it will live.
  ct.words[ct.base + CT_EXPIRES] += nct.now;
  if (!nct.insert(ct)) return false;
  if (ct.ext?.helper != null) nct.eventCache(ct, IPCT_HELPER);
  nct.eventCache(ct, ct.ext?.master == null ? IPCT_NEW : IPCT_RELATED);
  return true;
}
