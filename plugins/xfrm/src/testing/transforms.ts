/** transforms.ts — packets through transforms in transport mode, without policies and states: what tests of the transforms need. */
import {
  allocSkb,
  IP_CHECK,
  IP_HLEN,
  IP_PROTOCOL,
  IP_TOT_LEN,
  ipHdrLen,
  ipSendCheck,
  type Net,
  type SkBuff,
  skbBytes,
  skbCow,
  skbPutData,
} from '@packetwalk/framework';
import { Ah } from '../ah.ts';
import { Esp } from '../esp.ts';
import { Ipcomp } from '../ipcomp.ts';

export type Transform = Esp | Ah | Ipcomp;

export interface Numbers {
  readonly spi: number;
  readonly seq: number;
  readonly seqHi: number;
}

/** A packet with these bytes, its data and network header at the IP header. */
export function packetOf(net: Net, bytes: Uint8Array): SkBuff {
  const skb = allocSkb(net, net.needDevice('lo'), bytes.length);
  skbPutData(skb, bytes);
  return skb;
}

/** Makes room behind the IP header and lets the transform protect the payload; returns what it returns. */
export function protect(skb: SkBuff, transform: Transform, { spi, seq, seqHi }: Numbers): number {
  const room = transform instanceof Ipcomp ? 0 : transform.headerLen;
  skbCow(skb, room);
  const { buf, view } = skb.head;
  const ihl = ipHdrLen(view, skb.data);
  skb.networkHeader = skb.data - room;
  buf.copyWithin(skb.networkHeader, skb.data, skb.data + ihl);
  skb.data += ihl;
  skb.len -= ihl;
  let result = 0;
  if (transform instanceof Esp) transform.output(skb, ihl, spi, seq, seqHi, 1480);
  else if (transform instanceof Ah) result = transform.output(skb, ihl, spi, seq, seqHi);
  else transform.output(skb, ihl, spi);
  skb.head.view.setUint16(skb.data + IP_TOT_LEN, skb.len);
  ipSendCheck(skb.head.view, skb.data);
  return result;
}

/** Takes the outermost transform off; the payload's protocol, or a drop reason as a negative number. */
export function unprotect(skb: SkBuff, transform: Transform, seqHi: number, skip = 0): number {
  const ihl = ipHdrLen(skb.head.view, skb.data);
  skb.networkHeader = skb.data;
  skb.data += ihl + skip;
  skb.len -= ihl + skip;
  const next = transform instanceof Ipcomp ? transform.input(skb) : transform.input(skb, seqHi);
  if (next < 0) return next;
  // The transform may have given the packet another head.
  const { buf, view } = skb.head;
  const ip = skb.data - ihl;
  buf.copyWithin(ip, skb.networkHeader, skb.networkHeader + ihl);
  skb.networkHeader = ip;
  skb.data = ip;
  skb.len += ihl;
  buf[ip + IP_PROTOCOL] = next;
  view.setUint16(ip + IP_TOT_LEN, skb.len);
  ipSendCheck(view, ip);
  return next;
}

/** The packet's bytes, a copy. */
export function bytesOf(skb: SkBuff): Uint8Array {
  return skbBytes(skb).slice();
}

/** An IPv4 packet: header (options a multiple of 4) and payload, checksum right. */
export function ipv4Packet(
  header: Partial<Record<'tos' | 'id' | 'frag' | 'ttl' | 'protocol', number>>,
  options: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const hlen = IP_HLEN + options.length;
  const bytes = new Uint8Array(hlen + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x40 | (hlen >> 2);
  bytes[1] = header.tos ?? 0;
  view.setUint16(IP_TOT_LEN, bytes.length);
  view.setUint16(4, header.id ?? 0);
  view.setUint16(6, header.frag ?? 0);
  bytes[8] = header.ttl ?? 64;
  bytes[IP_PROTOCOL] = header.protocol ?? 17;
  bytes.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  bytes.set(options, IP_HLEN);
  bytes.set(payload, hlen);
  view.setUint16(IP_CHECK, 0);
  ipSendCheck(view, 0);
  return bytes;
}
