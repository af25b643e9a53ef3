/**
 * nat-helper.ts — helpers under NAT: what a packet says of addresses is translated too, and the connections it announces go the
 * way of their master (RFC 3022 §4.3; cf. Linux nf_nat_helper.c, nf_nat_ftp.c, nf_nat_tftp.c).
 */
import {
  CHECKSUM_NONE,
  csumFold,
  csumPartial,
  csumTcpudpPseudo,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_DADDR,
  IP_SADDR,
  IP_TOT_LEN,
  IPPROTO_TCP,
  ipSendCheck,
  NF_ACCEPT,
  NF_DROP,
  type SkBuff,
  skbEnsureTailroom,
  skbMakeWritable,
  TCP_CHECK,
  TCP_SEQ,
  tcpHdrLen,
} from '@packetwalk/framework';
import { EBUSY } from '../conntrack/errno.ts';
import type { Expectation } from '../conntrack/expectation.ts';
import { type FtpEndpoint, formatFtpEndpoint } from '../conntrack/ftp-command.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import { helperDrops } from '../conntrack/nf-conntrack-helper.ts';
import { seqadjSet } from '../conntrack/seqadj.ts';
import { addressRange, NAT_MANIP_DST, NAT_MANIP_SRC, NAT_PROTO_SPECIFIED } from './nat-range.ts';
import type { NfNat } from './nf-nat.ts';

/** Ports tried for an announced connection. */
const MAX_ATTEMPTS = 128;
const PACKET_MAX = 0xffff;

/** An expected connection has come: it is translated as its master is (nf_nat_follow_master). */
function followMaster(nat: NfNat, ct: NfConn, { master, dir, savedPort }: Expectation): void {
  nat.setupInfo(ct, addressRange(master.daddr(1 - dir)), NAT_MANIP_SRC);
  const destination = addressRange(master.saddr(1 - dir), NAT_PROTO_SPECIFIED);
  nat.setupInfo(ct, { ...destination, minPort: savedPort, maxPort: savedPort }, NAT_MANIP_DST);
}

/** The answer to a TFTP request goes back to the port that asked (nf_nat_tftp). */
export function natTftp(nat: NfNat, expectation: Expectation): void {
  expectation.savedPort = expectation.master.sport(IP_CT_DIR_ORIGINAL);
  expectation.dir = IP_CT_DIR_REPLY;
  expectation.expected = (ct, e) => followMaster(nat, ct, e);
}

/** FTP announces an endpoint: the packet gets the one that the other side sees (nf_nat_ftp). An NF_* verdict. */
export function natFtp(nat: NfNat, skb: SkBuff, dir: number, th: number, endpoint: FtpEndpoint, expectation: Expectation): number {
  const { nct } = nat;
  const ct = expectation.master;
  expectation.savedPort = endpoint.port;
  expectation.dir = 1 - dir;
  expectation.expected = (expected, e) => followMaster(nat, expected, e);
  const port = expectOnFreePort(nat, expectation);
  if (port === 0) {
    helperDrops(nct, skb, 'ftp', 'all ports are in use');
    return NF_DROP;
  }
  const text = formatFtpEndpoint(endpoint.kind, ct.daddr(1 - dir), port);
  if (replaceText(skb, ct, dir, th, endpoint, text)) return NF_ACCEPT;
  nct.expectations.remove(expectation);
  helperDrops(nct, skb, 'ftp', 'no room for the other address');
  return NF_DROP;
}

/** Adds the expectation with the port that was announced, or another one above it that nobody expects; 0: none is free. */
function expectOnFreePort({ nct }: NfNat, expectation: Expectation): number {
  const wanted = expectation.savedPort;
  const above = 0xffff - wanted;
  let port = wanted;
  for (let attempts = Math.min(above, MAX_ATTEMPTS); ; attempts--) {
    expectation.tuple.setDport(port);
    const added = nct.expectations.add(expectation);
    if (added === 0) return port;
    if (added !== -EBUSY || attempts <= 0) return 0;
    port = wanted + nct.net.softirq.random.below(above);
  }
}

/** Puts other text into the data of a segment, and what follows from that: lengths, checksums, later sequence numbers. */
function replaceText(skb: SkBuff, ct: NfConn, dir: number, th: number, { offset, length }: FtpEndpoint, text: string): boolean {
  const growth = text.length - length;
  if (skb.len + growth > PACKET_MAX) return false;
  const distance = th - skb.networkHeader;
  if (growth > 0) skbEnsureTailroom(skb, growth);
  else skbMakeWritable(skb);
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  const tcp = ip + distance;
  const at = tcp + tcpHdrLen(view, tcp) + offset;
  buf.copyWithin(at + text.length, at + length, skb.data + skb.len);
  for (let i = 0; i < text.length; i++) buf[at + i] = text.charCodeAt(i);
  skb.len += growth;
  view.setUint16(ip + IP_TOT_LEN, skb.len);
  ipSendCheck(view, ip);
  const segment = skb.data + skb.len - tcp;
  view.setUint16(tcp + TCP_CHECK, 0);
  const pseudo = csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), IPPROTO_TCP, segment);
  view.setUint16(tcp + TCP_CHECK, csumFold(csumPartial(view, tcp, segment, pseudo)));
  skb.ipSummed = CHECKSUM_NONE;
  seqadjSet(ct, dir, view.getInt32(tcp + TCP_SEQ), growth);
  return true;
}
