/** proto-gre.ts — tracking GRE (RFC 2784, RFC 2637): one flow between two addresses (cf. Linux net/netfilter/nf_conntrack_proto_gre.c). */
import { IPS_ASSURED, IPS_NAT_CLASH, IPS_SEEN_REPLY, type SkBuff } from '@packetwalk/framework';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { setAssured } from './proto-udp.ts';
import { TIMEOUT_REPLIED, TIMEOUT_UNREPLIED } from './settings.ts';
import { CT_ACCEPT } from './verdict.ts';

/** A GRE packet of a connection, in direction `dir`: CT_*. */
export function grePacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, dir: number): number {
  const { status } = ct;
  const replied = (status & IPS_SEEN_REPLY) !== 0;
  nct.refresh(ct, dir, skb, nct.settings.gre[replied ? TIMEOUT_REPLIED : TIMEOUT_UNREPLIED]);
  if (replied && (status & (IPS_NAT_CLASH | IPS_ASSURED)) === 0) setAssured(nct, ct);
  return CT_ACCEPT;
}
