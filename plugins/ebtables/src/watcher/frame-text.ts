/** watcher/frame-text.ts — a frame as one line of the log (cf. Linux ebt_log.c). */
import {
  ARP_HRD,
  ARP_LEN,
  ARP_OP,
  ARP_PRO,
  ARP_SHA,
  ARP_SIP,
  ARP_TIP,
  type EbtParam,
  ETH_DST,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_SRC,
  formatIpv4,
  formatMac,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  ipHdrLen,
  type SkBuff,
} from '@packetwalk/framework';
import { formatIp6 } from '../ip6-address.ts';
import { hex } from '../numbers.ts';

/** Which headers are told besides the MAC header. */
export interface FrameTextOptions {
  readonly ip: boolean;
  readonly arp: boolean;
  readonly ip6: boolean;
}

/** Protocols that begin with two ports: TCP, UDP, UDP-Lite, DCCP, SCTP. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

export function frameText(prefix: string, skb: SkBuff, { state, etherType }: EbtParam, options: FrameTextOptions): string {
  const { buf } = skb.head;
  const head =
    `${prefix} IN=${state.in?.name ?? ''} OUT=${state.out?.name ?? ''} MAC source = ${formatMac(buf, skb.macHeader + ETH_SRC)} ` +
    `MAC dest = ${formatMac(buf, skb.macHeader + ETH_DST)} proto = ${hex(etherType, 4)}`;
  if (options.ip && etherType === ETH_P_IP) return head + ipText(skb);
  if (options.ip6 && etherType === ETH_P_IPV6) return head + ip6Text(skb);
  if (options.arp && (etherType === ETH_P_ARP || etherType === 0x8035)) return head + arpText(skb);
  return head;
}

function ipText(skb: SkBuff): string {
  const { view } = skb.head;
  const at = skb.data;
  if (skb.len < IP_HLEN) return ' INCOMPLETE IP header';
  const protocol = view.getUint8(at + IP_PROTOCOL);
  const text =
    ` IP SRC=${formatIpv4(view.getInt32(at + IP_SADDR))} IP DST=${formatIpv4(view.getInt32(at + IP_DADDR))}, ` +
    `IP tos=0x${view
      .getUint8(at + IP_TOS)
      .toString(16)
      .padStart(2, '0')
      .toUpperCase()}, IP proto=${protocol}`;
  return text + portsText(skb, protocol, ipHdrLen(view, at));
}

function ip6Text(skb: SkBuff): string {
  const { view } = skb.head;
  const at = skb.data;
  if (skb.len < 40) return ' INCOMPLETE IPv6 header';
  const address = (offset: number): string => formatIp6(Int32Array.from([0, 4, 8, 12], (i) => view.getInt32(at + offset + i)));
  const protocol = view.getUint8(at + 6);
  const priority = view.getUint8(at) & 15;
  const text = ` IPv6 SRC=${address(8)} IPv6 DST=${address(24)}, IPv6 priority=0x${priority.toString(16).toUpperCase()}, Next Header=${protocol}`;
  return text + portsText(skb, protocol, 40);
}

function portsText(skb: SkBuff, protocol: number, header: number): string {
  if (!WITH_PORTS.has(protocol)) return '';
  if (skb.len < header + 4) return ' INCOMPLETE TCP/UDP header';
  const { view } = skb.head;
  const at = skb.data + header;
  return ` SPT=${view.getUint16(at)} DPT=${view.getUint16(at + 2)}`;
}

function arpText(skb: SkBuff): string {
  const { view, buf } = skb.head;
  const at = skb.data;
  if (skb.len < 8) return ' INCOMPLETE ARP header';
  const text = ` ARP HTYPE=${view.getUint16(at + ARP_HRD)}, PTYPE=${hex(view.getUint16(at + ARP_PRO), 4)}, OPCODE=${view.getUint16(at + ARP_OP)}`;
  // Only Ethernet and IPv4 addresses are shown.
  if (view.getUint16(at + ARP_HRD) !== 1 || view.getUint16(at + 4) !== 0x0604) return text;
  if (skb.len < ARP_LEN) return `${text} INCOMPLETE ARP payload`;
  return (
    `${text} ARP MAC SRC=${formatMac(buf, at + ARP_SHA)} ARP IP SRC=${formatIpv4(view.getInt32(at + ARP_SIP))}` +
    ` ARP MAC DST=${formatMac(buf, at + ARP_SIP + 4)} ARP IP DST=${formatIpv4(view.getInt32(at + ARP_TIP))}`
  );
}
