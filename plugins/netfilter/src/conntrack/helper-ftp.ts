/**
 * helper-ftp.ts — follows FTP's control connection and expects the data connections it announces (RFC 959; cf. Linux
 * net/netfilter/nf_conntrack_ftp.c). Only text right behind the end of a line counts: what is sent to be mistaken for a command
 * in the middle of one does not.
 */
import {
  IP_CT_ESTABLISHED,
  IP_CT_ESTABLISHED_REPLY,
  IPPROTO_TCP,
  IPS_DST_NAT,
  IPS_SRC_NAT,
  NF_ACCEPT,
  NF_DROP,
  type SkBuff,
  TCP_HLEN,
  TCP_SEQ,
  tcpHdrLen,
} from '@packetwalk/framework';
import { Expectation } from './expectation.ts';
import { type FtpEndpoint, findFtpEndpoint } from './ftp-command.ts';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { type Helper, helperDrops } from './nf-conntrack-helper.ts';
import { before } from './tcp-window.ts';

const FTP_PORT = 21;
const EXPECT_LIFE = 300_000;
const LINE_FEED = 0x0a;
/** Ends of lines that are remembered, each direction. */
const REMEMBERED = 2;

/** What is kept of a control connection: sequence numbers right behind ends of lines, by direction. */
class FtpState {
  readonly lineEnds: readonly [number[], number[]] = [[], []];

  isLineStart(dir: number, seq: number): boolean {
    return this.lineEnds[dir].includes(seq);
  }

  /** The oldest one makes room for a newer one. */
  addLineEnd(dir: number, seq: number): void {
    const ends = this.lineEnds[dir];
    if (ends.includes(seq)) return;
    if (ends.length < REMEMBERED) {
      ends.push(seq);
      return;
    }
    const oldest = before(ends[0], ends[1]) ? 0 : 1;
    if (before(ends[oldest], seq)) ends[oldest] = seq;
  }
}

export const ftpHelper: Helper = {
  name: 'ftp',
  protocol: IPPROTO_TCP,
  port: FTP_PORT,
  maxExpected: 1,
  timeout: EXPECT_LIFE,
  help(nct, skb, ct, dir, th) {
    const { nfctinfo } = skb;
    if (nfctinfo !== IP_CT_ESTABLISHED && nfctinfo !== IP_CT_ESTABLISHED_REPLY) return NF_ACCEPT;
    const { view, buf } = skb.head;
    const end = skb.data + skb.len;
    if (th + TCP_HLEN > end) return NF_ACCEPT;
    const start = th + tcpHdrLen(view, th);
    if (start >= end) return NF_ACCEPT;
    const ext = ct.needExt();
    ext.helperData ??= new FtpState();
    const state = ext.helperData as FtpState;
    const seq = view.getInt32(th + TCP_SEQ);
    const next = (seq + end - start) | 0;
    const endsLine = buf[end - 1] === LINE_FEED;
    let verdict = NF_ACCEPT;
    if (state.isLineStart(dir, seq)) {
      const found = findFtpEndpoint(buf, start, end, dir);
      if (found === 'partial') {
        helperDrops(nct, skb, 'ftp', 'a command that is not all in one packet');
        return NF_DROP;
      }
      if (found !== 'nothing') verdict = announce(nct, skb, ct, dir, th, found);
    }
    if (endsLine) state.addLineEnd(dir, next);
    return verdict;
  },
};

function announce(nct: NfConntrack, skb: SkBuff, ct: NfConn, dir: number, th: number, endpoint: FtpEndpoint): number {
  const sender = ct.saddr(dir);
  // Somebody else's address would open the way to a third host: none of this connection's business.
  if ((endpoint.address ?? sender) !== sender) return NF_ACCEPT;
  const other = 1 - dir;
  const expectation = new Expectation(nct, ct);
  expectation.init(ct.saddr(other), ct.daddr(other), IPPROTO_TCP, null, endpoint.port);
  if (nct.nat !== null && (ct.status & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0) return nct.nat.ftp(skb, dir, th, endpoint, expectation);
  if (nct.expectations.add(expectation) === 0) return NF_ACCEPT;
  helperDrops(nct, skb, 'ftp', 'cannot expect the data connection');
  return NF_DROP;
}
