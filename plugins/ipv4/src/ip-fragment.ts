/**
 * ip-fragment.ts — packets longer than the link takes are cut (RFC 791 §3.2; cf. Linux net/ipv4/ip_output.c ip_fragment,
 * ip_do_fragment).
 */
import {
  allocSkb,
  CHECKSUM_PARTIAL,
  consumeSkb,
  dropReason,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_MF,
  IP_OFFSET,
  IP_TOT_LEN,
  IPSTATS_MIB_FRAGCREATES,
  IPSTATS_MIB_FRAGFAILS,
  IPSTATS_MIB_FRAGOKS,
  ipSendCheck,
  kfreeSkb,
  SKB_DROP_REASON_PKT_TOO_BIG,
  type SkBuff,
  skbChecksumHelp,
  skbCopyHeader,
  skbMakeWritable,
  skbPut,
} from '@packetwalk/framework';
import { fragGeometry } from './frag-geometry.ts';
import { icmpSend } from './icmp-send.ts';
import { ipOptionsFragment } from './ip-options.ts';
import { IPSKB_FRAG_COMPLETE, IPSKB_FRAG_PMTU, IPSKB_IGNORE_DF, ipcbFragMaxSize } from './ipcb.ts';
import { ipv4Of } from './ipv4.ts';

const IP_FRAG_LOST: number = dropReason('IP_FRAG_LOST', 'a fragment of it could not be sent');

/** What fragments are sent with: ipFinishOutput2, or a bridge's. The packet is gone afterwards; below 0: it was lost. */
export type FragmentOutput = (skb: SkBuff) => number;

/** Sends a packet in pieces of at most `mtu` bytes, or tells its sender why that may not be. */
export function ipFragment(skb: SkBuff, mtu: number, output: FragmentOutput): number {
  const { net } = skb;
  const df = (skb.head.view.getUint16(skb.networkHeader + IP_FRAG_OFF) & IP_DF) !== 0;
  if (df && ((skb.cb0 & IPSKB_IGNORE_DF) === 0 || ipcbFragMaxSize(skb) > mtu)) {
    net.ipMib[IPSTATS_MIB_FRAGFAILS]++;
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_BIG);
    return -1;
  }
  const came = ipcbFragMaxSize(skb);
  return ipDoFragment(skb, came !== 0 && came < mtu ? came : mtu, output);
}

/** Cuts a packet into pieces of at most `mtu` bytes; DF is not asked. */
export function ipDoFragment(skb: SkBuff, mtu: number, output: FragmentOutput): number {
  const { net } = skb;
  if (skb.ipSummed === CHECKSUM_PARTIAL) skbChecksumHelp(skb);
  skb.cb0 |= IPSKB_FRAG_COMPLETE;
  const ip = skb.networkHeader;
  const hlen = (skb.head.view.getUint8(ip) & 15) << 2;
  const most = mtu - hlen;
  const payload = skb.len - hlen;
  if (most < 8) {
    net.ipMib[IPSTATS_MIB_FRAGFAILS]++;
    kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_BIG);
    return -1;
  }
  const word = skb.head.view.getUint16(ip + IP_FRAG_OFF);
  const whole = (word & (IP_MF | IP_OFFSET)) === 0;
  const sizes = whole ? fragGeometry(skb, ipv4Of(skb).fragGeometry, payload, most) : null;
  // Cut anew, a packet that came with DF goes on with DF; in the pieces that it came in, as Linux sends those, without.
  const df = sizes === null && (skb.cb0 & IPSKB_FRAG_PMTU) !== 0 ? IP_DF : 0;
  let offset = (word & IP_OFFSET) << 3;
  let done = 0;
  for (let i = 0; done < payload; i++) {
    let length = sizes === null ? Math.min(payload - done, most) : sizes[i];
    if (done + length < payload) length &= ~7;
    const more = done + length < payload || (word & IP_MF) !== 0 ? IP_MF : 0;
    const fragment = copyFragment(skb, hlen, done, length, df | more | (offset >>> 3));
    if (offset === 0 && hlen > IP_HLEN) {
      skbMakeWritable(skb);
      ipOptionsFragment(skb);
    }
    done += length;
    offset += length;
    if (output(fragment) < 0) {
      net.ipMib[IPSTATS_MIB_FRAGFAILS]++;
      kfreeSkb(skb, IP_FRAG_LOST);
      return -1;
    }
    net.ipMib[IPSTATS_MIB_FRAGCREATES]++;
  }
  consumeSkb(skb);
  net.ipMib[IPSTATS_MIB_FRAGOKS]++;
  return 0;
}

/** A new packet with `skb`'s header and `length` bytes of its payload from `from` on. */
function copyFragment(skb: SkBuff, hlen: number, from: number, length: number, word: number): SkBuff {
  const fragment = allocSkb(skb.net, skb.dev, hlen + length);
  const ip = skbPut(fragment, hlen + length);
  skbCopyHeader(fragment, skb);
  fragment.data = ip;
  fragment.len = hlen + length;
  fragment.macHeader = ip;
  fragment.networkHeader = ip;
  fragment.transportHeader = ip + hlen;
  fragment.ext = null;
  // Of the control block only the flags go on: size and options were the whole packet's.
  fragment.cb0 &= 0xffff;
  fragment.cb1 = 0;
  fragment.cb2 = 0;
  const { buf, view } = fragment.head;
  const source = skb.networkHeader;
  buf.set(skb.head.buf.subarray(source, source + hlen), ip);
  buf.set(skb.head.buf.subarray(source + hlen + from, source + hlen + from + length), ip + hlen);
  view.setUint16(ip + IP_FRAG_OFF, word);
  view.setUint16(ip + IP_TOT_LEN, hlen + length);
  ipSendCheck(view, ip);
  return fragment;
}
